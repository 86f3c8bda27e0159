import pytest

from modelstream_operator.decide.cause import LONGEST, Cause, cause_of, root_cause

TRACEBACK = """2026-01-01 INFO Starting
Traceback (most recent call last):
  File "/usr/lib/python3.11/runpy.py", line 198, in _run_module_as_main
    return _run_code(code, main_globals, None,
  File "/app/job.py", line 12, in <module>
    import nothing
ModuleNotFoundError: No module named 'nothing'
"""
JAVA = """org.apache.flink.util.FlinkException: outer
\tat org.apache.flink.Foo.bar(Foo.java:1)
Caused by: java.lang.RuntimeException: middle
\tat x.Y.z(Y.java:2)
Caused by: java.net.UnknownHostException: kafka: Name or service not known
\tat a.B.c(B.java:3)
"""


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param(
            "DigestMismatch: model fraud is sha256:a, expected sha256:b",
            Cause("DigestMismatch", "model fraud is sha256:a, expected sha256:b"),
            id="a line of our own containers",
        ),
        pytest.param(
            TRACEBACK,
            Cause(
                "PythonError", "ModuleNotFoundError: No module named 'nothing' (job.py, line 12)"
            ),
            id="a traceback",
        ),
        pytest.param(
            f"{TRACEBACK}\norg.apache.flink.client.program.ProgramInvocationException: exit 1\n",
            Cause(
                "PythonError", "ModuleNotFoundError: No module named 'nothing' (job.py, line 12)"
            ),
            id="a traceback with Java's words after it",
        ),
        pytest.param(
            'Traceback (most recent call last):\n  File "/app/job.py", line 4, in <module>\n'
            "pyflink.util.exceptions.TableException: org.x.ValidationException: no sink.\n"
            "Caused by: org.x.ValidationException: no factory for 'kafak'\n",
            Cause(
                "PythonError",
                "pyflink.util.exceptions.TableException: org.x.ValidationException: no sink:"
                " ValidationException: no factory for 'kafak' (job.py, line 4)",
            ),
            id="a traceback whose cause is Java's",
        ),
        pytest.param(
            JAVA,
            Cause("Exited", "UnknownHostException: kafka: Name or service not known"),
            id="the innermost Java cause",
        ),
        pytest.param("one\ntwo\n", Cause("Exited", "two"), id="the last line of a log"),
        pytest.param(
            "", Cause("Exited", "it ended with exit code 3 and left no message"), id="nothing"
        ),
        pytest.param("ValueError: bad", Cause("PythonError", "ValueError: bad"), id="an exception"),
        pytest.param(
            "x\njava.lang.OutOfMemoryError: Java heap space\ny",
            Cause("JvmOutOfMemory", "java.lang.OutOfMemoryError: Java heap space"),
            id="the JVM's memory",
        ),
    ],
)
def test_the_cause_is_one_line(text: str, expected: Cause) -> None:
    assert cause_of(text, 3) == expected


def test_a_long_message_is_cut() -> None:
    assert len(cause_of("Broken: " + "x" * 5000, 1).message) == LONGEST


def test_a_running_job_s_failure_is_its_python_error() -> None:
    assert root_cause(f"java.lang.RuntimeException: Error received: {TRACEBACK}").startswith(
        "ModuleNotFoundError"
    )


def test_a_running_job_s_failure_is_its_innermost_java_cause() -> None:
    assert root_cause(JAVA) == "UnknownHostException: kafka: Name or service not known"


@pytest.mark.parametrize(
    ("record", "shown"),
    [('{"id": x}', '{"id": x}'), ("x" * 500, "x" * 200), ('{\n"id": x}', "{")],
    ids=["short", "long", "of two lines"],
)
def test_a_record_that_flink_cannot_decode_is_shown_with_the_cause(record: str, shown: str) -> None:
    text = JAVA.replace("middle", f"Failed to deserialize JSON '{record}'.")
    assert root_cause(text) == (
        f"the record {shown} cannot be decoded: "
        "UnknownHostException: kafka: Name or service not known"
    )


@pytest.mark.parametrize(
    ("failure", "field"),
    [
        ("java.lang.OutOfMemoryError: Java heap space", "taskManager.resources.limits.memory"),
        ("java.lang.OutOfMemoryError: GC overhead limit exceeded", "limits.memory"),
        ("java.lang.OutOfMemoryError: Direct buffer memory", "memory.task.off-heap.size"),
        ("java.lang.OutOfMemoryError: Metaspace", "taskmanager.memory.jvm-metaspace.size"),
        ("java.io.IOException: Insufficient number of network buffers: x", "memory.network.max"),
    ],
)
@pytest.mark.parametrize("wrap", ["{}\n\tat a.B.c(B.java:1)", "x.Y: outer\nCaused by: {}"])
def test_a_task_that_has_too_little_memory_is_told_with_the_field_to_raise(
    failure: str, field: str, wrap: str
) -> None:
    said = root_cause(wrap.format(failure))
    assert failure.rpartition("Error: ")[2].rpartition("Exception: ")[2] in said
    assert field in said


def test_another_failure_has_no_field_to_raise() -> None:
    assert root_cause("java.lang.IllegalStateException: x") == "java.lang.IllegalStateException: x"


@pytest.mark.parametrize(
    ("exit_code", "said"),
    [(132, "another processor"), (134, "SIGABRT"), (139, "SIGSEGV")],
)
def test_a_native_crash_without_a_message_is_named(exit_code: int, said: str) -> None:
    message = cause_of("", exit_code).message
    assert f"exit code {exit_code}" in message
    assert "a native crash" in message
    assert said in message


def test_state_that_does_not_fit_is_told_in_flinks_words_with_the_field_that_gives_it_up() -> None:
    trace = """org.apache.flink.runtime.client.JobInitializationException: Could not start the job
\tat a.B.c(B.java:3)
Caused by: java.lang.IllegalStateException: Failed to rollback to checkpoint/savepoint s3://s/sp.\
 Cannot map checkpoint/savepoint state for operator cbc357ccb763df2852fee8c4fc7d55f2 to the new\
 program. If you want to allow to skip this, you can set the --allowNonRestoredState option
\tat a.B.c(B.java:3)
"""
    told = root_cause(trace)
    assert "operator cbc357ccb763df2852fee8c4fc7d55f2" in told
    assert "spec.state.allowNonRestoredState" in told
