"""What is left of a run that native code ends: an exit code and words."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from modelstream.cli import main, supervised
from modelstream.cli.exits import Exit
from modelstream.cli.supervised import Ended

IGNORED = signal.SIG_IGN
START = """
import os, signal, sys, time
from modelstream import embedded
from modelstream.cli import reported, supervised
from modelstream.cli.quiet import quiet

def work():
    code = supervised.parent(verbose=False)
    if code is not None:
        return code
    with quiet():
        {body}
    return 0

sys.exit(reported(work))
"""


@pytest.fixture(autouse=True)
def heard() -> Iterator[None]:
    """Signals are heard here, whatever started the tests in the background."""
    deaf = [each for each in (signal.SIGINT, signal.SIGHUP) if signal.getsignal(each) is IGNORED]
    for each in deaf:
        signal.signal(each, signal.SIG_DFL)
    yield
    for each in deaf:
        signal.signal(each, IGNORED)


def program(body: str) -> list[str]:
    return [sys.executable, "-c", START.replace("{body}", body.replace("\n", "\n        "))]


def ended(body: str) -> tuple[int, str]:
    done = subprocess.run(program(body), capture_output=True, text=True, timeout=60, check=False)
    return done.returncode, done.stderr


CRASH = """
with embedded.at_work("fraud"):
    os.write(2, b"I0000 00:00:1 noise\\nF0000 check failed: rank is 2\\n")
    os.kill(os.getpid(), signal.{name})
"""


def test_a_native_crash_is_told_with_the_model_and_the_last_line() -> None:
    found, said = ended(CRASH.replace("{name}", "SIGSEGV"))
    assert found == 139
    *_, last = said.splitlines()
    assert last.startswith("modelstream: a native crash ended the run (SIGSEGV: ")
    assert "while model 'fraud' was at work" in last
    assert last.endswith("The last line of native code: F0000 check failed: rank is 2")
    assert "noise" not in said


@pytest.mark.parametrize(
    ("number", "code", "said"),
    [
        (signal.SIGILL, 132, "a native crash ended the run (SIGILL: an instruction that"),
        (signal.SIGBUS, 135, "a native crash ended the run (SIGBUS: native code reached"),
        (signal.SIGFPE, 136, "a native crash ended the run (SIGFPE: native code computed"),
        (signal.SIGKILL, 137, "the run was killed (SIGKILL), as the kernel does where memory is"),
        (signal.SIGUSR1, 138, "the run was ended by SIGUSR1"),
    ],
)
def test_each_signal_has_its_code_and_its_words(number: int, code: int, said: str) -> None:
    found = Ended(number)
    assert found.code == code
    assert str(found).startswith(said)


def test_a_model_that_has_answered_is_not_named() -> None:
    body = "with embedded.at_work('fraud'):\n    pass\nos.abort()"
    code, said = ended(body)
    assert code == 134
    assert "SIGABRT" in said
    assert "fraud" not in said


def test_a_run_that_ends_by_itself_ends_as_before() -> None:
    assert ended("sys.exit(3)") == (3, "")


AT_REST = 0.5
"""Seconds until both processes wait: Python may see a signal late that comes as it begins to."""
SLEEP = """
try:
    print("began", flush=True)
    time.sleep(60)
except BaseException as error:
    print("ended", type(error).__name__, flush=True)
    raise
"""


@pytest.mark.parametrize(
    ("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143), (signal.SIGHUP, 129)]
)
def test_what_asks_the_command_to_end_reaches_the_run_once(number: int, code: int) -> None:
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        process = subprocess.Popen(program(SLEEP), stdout=subprocess.PIPE, start_new_session=True)
    finally:
        signal.signal(signal.SIGINT, before)
    assert process.stdout is not None
    assert process.stdout.readline() == b"began\n"
    time.sleep(AT_REST)
    os.killpg(process.pid, number)
    assert process.wait(60) == code
    assert len(process.stdout.readlines()) == 1
    process.stdout.close()


@pytest.mark.parametrize(
    ("asked", "forwarded"),
    [
        pytest.param([(signal.SIGINT, 0.0)], [signal.SIGINT], id="one"),
        pytest.param(
            [(signal.SIGTERM, 0.0), (signal.SIGTERM, 0.2)], [signal.SIGTERM], id="timeout(1)"
        ),
        pytest.param(
            [(signal.SIGINT, 0.0), (signal.SIGINT, 2.0)], [signal.SIGINT] * 2, id="a second wish"
        ),
        pytest.param(
            [(signal.SIGHUP, 0.0), (signal.SIGHUP, 2.0)], [signal.SIGHUP], id="terminal and shell"
        ),
    ],
)
def test_one_wish_that_comes_by_several_ways_is_forwarded_once(
    asked: list[tuple[int, float]], forwarded: list[int], monkeypatch: pytest.MonkeyPatch
) -> None:
    got: list[int] = []
    monkeypatch.setattr(os, "kill", lambda child, number: got.append(number))
    with supervised._forwarded(1):
        for number, seconds in asked:
            monkeypatch.setattr(time, "monotonic", lambda now=seconds: now)
            signal.raise_signal(number)
    assert got == forwarded


CLEAN = """
try:
    print("began", flush=True)
    time.sleep(60)
finally:
    print("to a terminal that is gone", flush=True)
    print("to a terminal that is gone", file=sys.stderr)
    open({path}, "w").write("cleaned up")
"""


def test_a_terminal_that_is_closed_is_a_wish_to_end_and_hinders_no_end(tmp_path: Path) -> None:
    end = tmp_path / "end"
    ours, its = os.openpty()
    process = subprocess.Popen(
        program(CLEAN.replace("{path}", repr(str(end)))),
        stdin=its,
        stdout=its,
        stderr=its,
        start_new_session=True,
    )
    os.close(its)
    assert os.read(ours, 5) == b"began"
    time.sleep(AT_REST)
    os.close(ours)
    os.killpg(process.pid, signal.SIGHUP)
    assert process.wait(60) == 129
    assert end.read_text() == "cleaned up"


def test_what_nohup_starts_goes_on(tmp_path: Path) -> None:
    body = "os.kill(os.getpid(), signal.SIGHUP)\nprint('goes on')"
    done = subprocess.run(
        ["nohup", *program(body)], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.returncode, done.stdout) == (0, "goes on\n")


def test_a_run_does_not_outlive_a_command_that_is_killed(tmp_path: Path) -> None:
    pid = tmp_path / "pid"
    body = f"open({str(pid)!r}, 'w').write(str(os.getpid()))\n{SLEEP}"
    process = subprocess.Popen(program(body), stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"began\n"
    process.kill()
    process.wait(60)
    process.stdout.close()
    deadline = time.monotonic() + 60
    while Path(f"/proc/{pid.read_text()}/exe").exists():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def test_a_program_that_calls_the_command_is_not_forked(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    def fork() -> int:
        raise AssertionError("the caller's process would go on twice")

    monkeypatch.setattr(os, "fork", fork)
    assert main(["run", str(tmp_path / "nowhere.yaml")]) != Exit.DONE


LEFT = """
import atexit, threading
from modelstream.cli import supervised

class Late:
    def __del__(self):
        print("ended as Python ends", flush=True)

late = Late()
atexit.register(print, "done at the end")
threading.Thread(target=threading.Event().wait, daemon=True).start()
print("said", end=" ")
supervised.leave(3)
"""


def test_a_process_that_leaves_does_what_is_to_be_done_at_its_end_and_nothing_more() -> None:
    command = [sys.executable, "-c", LEFT]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (3, "said done at the end\n", "")


@pytest.mark.parametrize("command", ["run", "predict"])
def test_the_commands_that_have_workers_leave_so(
    command: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    left: list[int] = []
    monkeypatch.setattr(supervised, "parent", lambda *, verbose: None)
    monkeypatch.setattr(supervised, "leave", left.append)
    monkeypatch.setattr(sys, "argv", ["modelstream", command, "none.yaml"])
    main()
    assert left == [Exit.REFUSED]
    assert capsys.readouterr().err.startswith("modelstream: ")
