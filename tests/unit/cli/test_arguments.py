import io
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
import yaml
from py4j.protocol import Py4JError
from tests.support.resource_cases import BASE

from modelstream.cli import main, reported
from modelstream.cli.arguments import parser
from modelstream.cli.exits import Exit
from modelstream.cli.progress import ProgressLine, silenced
from modelstream.errors import FetchError, ModelLoadError, ModelNotFoundError
from modelstream.job import failures


def test_pairs_keep_what_stands_behind_the_first_equals_sign() -> None:
    parsed = parser().parse_args(["run", "f", "--set", "spec.a=b=c", "--model", "m=/x"])
    assert parsed.set == [("spec.a", "b=c")]
    assert parsed.model == [("m", "/x")]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        pytest.param(["run", "f", "--model", "m"], "has no '='", id="no equals sign"),
        pytest.param(["run", "f", "--model", "=x"], "has no '='", id="no key"),
        pytest.param(["run", "f", "--parallelism", "0"], "above 0", id="no parallelism"),
        pytest.param(["run", "f", "--parallelism", "two"], "above 0", id="a word"),
        pytest.param(
            ["fetch", "m", "d", "--digest", "sha256:0a"], "64 hexadecimal digits", id="a digest"
        ),
        pytest.param(["run"], "FILE", id="no file"),
        pytest.param(
            ["walk"], "there is no command 'walk'; there are init, run, ", id="no command"
        ),
        pytest.param(["validte"], "(did you mean 'validate'?)", id="a slip in a command"),
        pytest.param(["run", "f", "--modle=a=b"], "(did you mean '--model'?)", id="in an option"),
        pytest.param(["run", "f", "--wrong"], "unrecognized arguments: --wrong", id="an option"),
    ],
)
def test_a_wrong_argument_is_refused(
    arguments: list[str], message: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments)
    assert caught.value.code == Exit.REFUSED
    assert message in capsys.readouterr().err


@pytest.mark.parametrize(
    ("values", "code"), [(("maybe", "true"), Exit.DONE), (("true", "maybe"), Exit.REFUSED)]
)
def test_of_two_values_for_one_field_the_last_one_counts(
    values: tuple[str, str], code: Exit, tmp_path: Path
) -> None:
    (tmp_path / "job.yaml").write_text(yaml.safe_dump(BASE))
    servers = "spec.pipeline.source.options[properties.bootstrap.servers]=here:9092"
    both = [part for value in values for part in ("--set", f"spec.suspend={value}")]
    both += ["--set", servers]
    assert main(["validate", str(tmp_path / "job.yaml"), *both]) == code


@pytest.mark.parametrize(
    "command",
    ["init", "run", "plan", "predict", "validate", "dead-letters", "inspect", "fetch", "verify"],
)
def test_help_of_each_command_names_the_exit_codes(
    command: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main([command, "--help"])
    assert caught.value.code == 0
    assert "exit codes" in capsys.readouterr().out


def test_the_command_alone_shows_its_help_with_examples(
    capsys: pytest.CaptureFixture[str],
) -> None:
    assert main([]) == Exit.DONE
    shown = capsys.readouterr().out
    assert "examples:\n  modelstream inspect fraud.keras\n" in shown
    assert "predict " in shown


def test_the_command_tells_its_version(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["--version"])
    assert caught.value.code == 0
    assert capsys.readouterr().out == f"modelstream {version('modelstream')}\n"


def test_help_imports_nothing_that_takes_time() -> None:
    code = "import sys, modelstream.cli.arguments as a; a.parser().format_help()\n" + (
        "sys.exit(', '.join({'pydantic', 'yaml', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_quiet_shows_no_progress() -> None:
    stream = io.StringIO()
    line = ProgressLine(stream, iter(range(0, 100, 20)).__next__)
    with silenced(when=True):
        line.update("something")
        line.finish("done")
    assert stream.getvalue() == ""


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (FetchError("no"), Exit.FAILED),
        (ModelLoadError("no"), Exit.FAILED),
        (ModelNotFoundError("no"), Exit.REFUSED),
        (KeyboardInterrupt(), Exit.INTERRUPTED),
    ],
)
def test_each_end_has_its_exit_code(
    error: BaseException, code: Exit, capsys: pytest.CaptureFixture[str]
) -> None:
    def work() -> int:
        raise error

    assert reported(work) == code
    assert "Traceback" not in capsys.readouterr().err


def test_verbose_shows_where_it_came_from(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise FetchError("no")

    reported(work, verbose=True)
    assert "Traceback" in capsys.readouterr().err


def test_verbose_shows_no_secret_that_the_cause_still_holds(
    capsys: pytest.CaptureFixture[str],
) -> None:
    secret = "hunter22"

    def work() -> int:
        with failures.translated(lambda text: text.replace(secret, "******")):
            raise Py4JError(f"password={secret}")
        return 0

    reported(work, verbose=True)
    shown = capsys.readouterr().err
    assert "password=******" in shown
    assert secret not in shown


def test_a_defect_of_ours_is_not_hidden() -> None:
    def work() -> int:
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        reported(work)


def test_a_message_of_several_lines_is_one_message(capsys: pytest.CaptureFixture[str]) -> None:
    def work() -> int:
        raise FetchError("first\n\nsecond")

    reported(work)
    assert capsys.readouterr().err == "modelstream: first\n  second\n"
