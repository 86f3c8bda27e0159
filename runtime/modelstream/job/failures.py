"""Java stack traces and Python tracebacks out of Flink, as one message with the cause."""

import re
import traceback
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeAlias

from modelstream import embedded
from modelstream.errors import JobError, ModelStreamError
from modelstream.flink import jvm

_CLASS = re.compile(r"^(?:Caused by: )?((?:[a-zA-Z_$][\w$]*\.)+[A-Z][\w$]*)(?:: (.*))?$", re.DOTALL)
# A traceback's frames, then the error: all its lines, up to where Java's own go on.
_PYTHON = re.compile(
    r"Traceback \(most recent call last\):\n(?:[ \t][^\n]*\n|\n)*(\S.*?)"
    r"(?=\n\s+at [\w.$]+\(|\nCaused by: |\n\nThe above exception |\n\nDuring handling of |\Z)",
    re.DOTALL,
)
_RAISED = re.compile(r"^([A-Za-z_][\w.]*?)(?:: (.*))?$", re.DOTALL)
# What Flink says when news for a task arrives after the task has failed.
_FOLLOW_UP = "TaskNotRunningException"
# What says too little by itself.
_NO_COLUMNS = "ArrayIndexOutOfBoundsException: Index 0 out of bounds for length 0"
_HINTS = {
    "Timed out waiting for a node assignment": "no Kafka broker answers: see the option "
    "properties.bootstrap.servers",
    _NO_COLUMNS: "perhaps a function in SQL is called with constants only, or with columns that a "
    "WHERE makes constants, for which Flink starts none: write f(CAST(ROW(x) AS ROW<x FLOAT>))",
    "Unsupported type BINARY": "a constant of bytes among the arguments of a function, which Flink "
    "hands to none: write f(CAST(ROW(x, X'00') AS ROW<x FLOAT, y BYTES>))",
}
# Classes that only wrap what went wrong.
_WRAPPERS = (
    "org.apache.flink.runtime.client.JobExecutionException",
    "org.apache.flink.client.program.ProgramInvocationException",
    "org.apache.flink.runtime.JobException",
    "org.apache.flink.util.FlinkException",
    "org.apache.flink.util.FlinkRuntimeException",
    "org.apache.flink.util.SerializedThrowable",
    "java.util.concurrent.CompletionException",
    "java.util.concurrent.ExecutionException",
    "java.lang.RuntimeException",
    "org.apache.flink.table.api.TableException",
)


# What Flink's decoders say of a record, all of it; why is in the cause below.
_UNDECODABLE = re.compile(r"Failed to deserialize (?:JSON|CSV row) '(.*)'\.\s*$", re.DOTALL)
_EXCERPT = 200

Place: TypeAlias = Callable[[str], str | None]
"""Says where a record stands."""


def _nowhere(record: str) -> None:
    """For jobs whose records have no place."""


@contextmanager
def translated(redact: Callable[[str], str] = str, place: Place = _nowhere) -> Iterator[None]:
    """Raise what Flink raises inside the block as a JobError that names the cause.

    ``place`` finds a record that Flink could not decode. The original text goes along as
    ``detail`` (for a verbose mode) and as ``__cause__``.
    """
    try:
        yield
    except ModelStreamError:
        raise
    except Exception as error:
        if not _is_flinks(error):
            raise
        raise job_error(error, redact, place) from error


def job_error(
    error: BaseException, redact: Callable[[str], str] = str, place: Place = _nowhere
) -> JobError:
    """A JobError that says in one message what an exception of Flink or py4j is about."""
    text = _text(error)
    cause = _overtaken(text)
    told = JobError(redact(summary(text, place) if cause is None else _own_words(cause)))
    trace = "" if cause is None else "\n" + "".join(traceback.format_exception(cause))
    told.detail = redact(text + trace)  # type: ignore[attr-defined]  # for verbose output
    return told


def _overtaken(text: str) -> BaseException | None:
    """The model function's own error, where Flink tells only that its task is gone."""
    if _FOLLOW_UP not in text or _PYTHON.search(text):
        return None
    return embedded.first()


def _own_words(cause: BaseException) -> str:
    return str(cause) if isinstance(cause, ModelStreamError) else f"{type(cause).__name__}: {cause}"


def detail(error: BaseException) -> str:
    """The original text behind an error, or its message."""
    return str(getattr(error, "detail", error))


def summary(text: str, place: Place = _nowhere) -> str:
    """The cause in a stack trace: a Python error inside it, else the innermost Java cause.

    A chain that ends in a bare class name (``NullPointerException``) is told with the last
    message before it.
    """
    if python := _PYTHON.findall(text):
        return _python_error(python[-1].strip())
    messages = [said for said in map(_said, _causes(text)) if said]
    last = messages[-1] if messages else text.strip().split("\n", 1)[0]
    told = next((f"{last} ({hint})" for words, hint in _HINTS.items() if words in last), last)
    records = [found[1] for found in map(_UNDECODABLE.search, messages) if found]
    return _undecodable(records[-1], place, told) if records else told


def _undecodable(record: str, place: Place, why: str) -> str:
    where = place(record)
    excerpt = record if len(record) <= _EXCERPT else f"{record[:_EXCERPT]}…"
    return f"{f'{where}: ' if where else ''}the record {excerpt} cannot be decoded: {why}"


def _python_error(line: str) -> str:
    match = _RAISED.match(line)
    if match is None:
        return line
    name, message = match.groups()
    if name.startswith("modelstream.") and message:
        return str(message)  # our own messages say it all
    return f"{name.rsplit('.', 1)[-1]}: {message}" if message else name


def _causes(text: str) -> Iterator[str]:
    """The ``class: message`` blocks of a Java stack trace, without their frames."""
    block: list[str] = []
    for line in text.splitlines():
        if line.startswith("Caused by: ") or _CLASS.match(line):
            yield "\n".join(block)
            block = [line.removeprefix("Caused by: ")]
        elif block and not re.match(r"\s+(at |\.\.\. \d+ more)", line):
            block.append(line)
    yield "\n".join(block)


def _said(cause: str) -> str:
    match = _CLASS.match(cause)
    if match is None:
        return ""
    name, message = match.groups()
    if not message or _CLASS.match(message):
        return ""
    if name in _WRAPPERS or name.endswith("ValidationException"):
        return str(message).strip()
    return f"{name.rsplit('.', 1)[-1]}: {message.strip()}"


def _is_flinks(error: BaseException) -> bool:
    module = type(error).__module__
    return module.startswith(("py4j", "pyflink"))


def _text(error: BaseException) -> str:
    java = getattr(error, "java_exception", None)
    if java is not None:
        return "\nCaused by: ".join(jvm.causes(java))
    return str(error)
