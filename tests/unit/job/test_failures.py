import pytest

from modelstream import embedded
from modelstream.errors import JobError, RecordFailedError
from modelstream.job import failures

PYTHON = """\
org.apache.flink.runtime.client.JobExecutionException: Job execution failed.
Caused by: org.apache.flink.runtime.JobException: Recovery is suppressed by NoRestartBackoff
\tat org.apache.flink.runtime.Handler.handle(Handler.java:176)
Caused by: java.lang.RuntimeException: Error from harness: Traceback (most recent call last):
  File "worker.py", line 5, in run
    raise X
modelstream.errors.ConversionError: column 'x': 'abc' is not a number

\tat org.apache.beam.Client.get(Client.java:1)
"""
JAVA = """\
org.apache.flink.table.api.ValidationException: Unable to create a sink for writing table 'a'.
\tat org.apache.flink.table.factories.FactoryUtil.x(FactoryUtil.java:1)
Caused by: org.apache.flink.table.api.ValidationException: Unsupported options found for 'kafka'.

Unsupported options:

topik
\tat org.apache.flink.table.factories.FactoryUtil.y(FactoryUtil.java:1)
\t... 12 more
"""


def test_a_python_error_of_ours_inside_a_java_trace_is_told_by_its_message() -> None:
    assert failures.summary(PYTHON) == "column 'x': 'abc' is not a number"


def test_a_python_message_of_many_lines_is_told_whole() -> None:
    text = PYTHON.replace("is not a number", "is not\n\n\t [[{{node a}}]] a number")
    assert failures.summary(text) == "column 'x': 'abc' is not\n\n\t [[{{node a}}]] a number"


def test_another_python_error_is_told_with_its_class() -> None:
    text = PYTHON.replace("modelstream.errors.ConversionError", "KeyError")
    assert failures.summary(text) == "KeyError: column 'x': 'abc' is not a number"


CHAINED = PYTHON.replace(
    "column 'x': 'abc' is not a number\n",
    """update 1 diverged

The above exception was the direct cause of the following exception:

Traceback (most recent call last):
  File "worker.py", line 9, in told
    raise Y from x
modelstream.errors.DivergedError: key 'bob': update 1 diverged
""",
)


def test_of_python_errors_in_a_chain_the_last_is_told_and_no_trace() -> None:
    assert failures.summary(CHAINED) == "key 'bob': update 1 diverged"


def test_the_innermost_java_cause_is_told_whole_and_without_frames() -> None:
    said = failures.summary(JAVA)
    assert said.startswith("Unsupported options found for 'kafka'.")
    assert said.endswith("topik")
    assert "at org" not in said


def test_a_cause_without_a_message_is_told_by_the_one_before_it() -> None:
    assert failures.summary(JAVA + "Caused by: java.lang.NullPointerException\n").endswith("topik")


def test_a_kafka_that_does_not_answer_is_told_with_the_option_that_names_it() -> None:
    text = JAVA + (
        "Caused by: org.apache.kafka.common.errors.TimeoutException: Timed out waiting for a node "
        "assignment. Call: listNodes\n"
    )
    assert failures.summary(text).endswith("see the option properties.bootstrap.servers)")


def undecodable(record: str) -> str:
    """What Flink says when its json format cannot decode a record."""
    return (
        "java.lang.RuntimeException: One or more fetchers have encountered exception\n"
        f"Caused by: java.io.IOException: Failed to deserialize JSON '{record}'.\n"
        "\tat org.apache.flink.formats.json.X.deserialize(X.java:1)\n"
        "Caused by: org.apache.flink.JsonParseException: Unrecognized token 'four'\n"
    )


@pytest.mark.parametrize(
    ("record", "place", "told"),
    [
        pytest.param('{"x": four}', "in/a.json, line 3", '{"x": four}', id="in a file"),
        pytest.param('{"x": four}', None, '{"x": four}', id="in a topic"),
        pytest.param("x" * 1000, None, "x" * 200 + "…", id="a long one"),
        pytest.param('{\n"it\'s": four}', None, '{\n"it\'s": four}', id="of two lines"),
    ],
)
def test_a_record_that_flink_cannot_decode_is_shown_with_its_place(
    record: str, place: str | None, told: str
) -> None:
    asked: list[str] = []

    def find(text: str) -> str | None:
        asked.append(text)
        return place

    said = failures.summary(undecodable(record), find)
    assert asked == [record]
    assert said == (
        f"{f'{place}: ' if place else ''}the record {told} cannot be decoded: "
        "JsonParseException: Unrecognized token 'four'"
    )


def test_the_original_text_is_kept_and_secrets_are_not() -> None:
    error = failures.job_error(RuntimeError("boom hunter22"), lambda t: t.replace("hunter22", "*"))
    assert isinstance(error, JobError)
    assert failures.detail(error) == "boom *"
    assert str(error) == "boom *"


def test_errors_that_are_not_flinks_pass_unchanged() -> None:
    with pytest.raises(ZeroDivisionError), failures.translated():
        _ = 1 / 0


class FlinkError(Exception):
    """An error whose text is Flink's."""


@pytest.fixture
def record_failed():
    embedded.forget()  # whatever a job in this process failed with before
    embedded.note(RecordFailedError("record 0 cannot be scored"))
    embedded.note(RuntimeError("the task is being cancelled"))
    yield
    embedded.forget()


@pytest.mark.usefixtures("record_failed")
def test_the_functions_own_error_is_told_where_flink_only_says_that_its_task_is_gone() -> None:
    text = "org.apache.flink.runtime.operators.coordination.TaskNotRunningException: Task is not"
    error = failures.job_error(FlinkError(text))
    assert str(error) == "record 0 cannot be scored"
    assert "RecordFailedError: record 0 cannot be scored" in failures.detail(error)


@pytest.mark.usefixtures("record_failed")
def test_what_flink_knows_better_is_told_by_flink() -> None:
    text = "java.io.IOException: No space left on device"
    assert "No space left" in str(failures.job_error(FlinkError(text)))


def test_a_constant_that_flink_hands_to_no_function_is_told_with_what_to_write() -> None:
    told = failures.summary(
        "java.lang.RuntimeException: Unsupported type BINARY\n\tat a.B.c(B.java:1)"
    )
    assert "Unsupported type BINARY (a constant of bytes among" in told
    assert "CAST(ROW(" in told
