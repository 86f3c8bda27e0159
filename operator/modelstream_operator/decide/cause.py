"""The cause in what a container wrote before it ended: one line that a person can act on."""

import re
from dataclasses import dataclass

TRACEBACK = "Traceback (most recent call last)"
LONGEST = 1000
JVM_OUT_OF_MEMORY = "JvmOutOfMemory"
"""Reason of a container whose JVM said that its own share of the memory is used up."""
_KILLED = 128 + 9
_CRASHES = {
    128 + 4: "an illegal instruction: the image was built for another processor",
    128 + 6: "native code gave up (SIGABRT)",
    128 + 11: "native code reached beyond its memory (SIGSEGV)",
}
"""Exit codes of a crash below Python: of TensorFlow, of an operation, of a library."""

_OWN = re.compile(r"^([A-Z][A-Za-z]{2,39}): (.+)$", re.DOTALL)
_PLACE = re.compile(r'^\s*File "([^"]+)", line (\d+)', re.MULTILINE)
_EXCEPTION = re.compile(r"^[A-Za-z_][\w.]*(?:Error|Exception|Exit|Interrupt|Warning)\b.*")
_JAVA = re.compile(r"^(?:Caused by: )?((?:[a-z]\w*\.)+[A-Z]\w*)(?:: (.*))?$")
# What Flink's decoders say of a record, which the innermost cause does not show.
_UNDECODABLE = re.compile(r"Failed to deserialize (?:JSON|CSV row) '(.*?)(?:'\.)?$", re.MULTILINE)
_EXCERPT = 200

_HEAP = (
    "raise spec.flink.taskManager.resources.limits.memory, of which the JVM gets two fifths, or"
    " taskmanager.memory.task.heap.size in spec.flink.configuration"
)
_OPTION = "raise {} in spec.flink.configuration"
_MORE = {
    "OutOfMemoryError: Java heap space": _HEAP,
    "OutOfMemoryError: GC overhead limit exceeded": _HEAP,
    "--allowNonRestoredState": (
        "the program has no operator for a part of the state: take back what has changed its plan;"
        " or, to begin without that part, write spec.state.allowNonRestoredState: true"
    ),
    "buffer memory": _OPTION.format("taskmanager.memory.task.off-heap.size"),
    "OutOfMemoryError: Metaspace": _OPTION.format("taskmanager.memory.jvm-metaspace.size"),
    "Insufficient number of network buffers": _OPTION.format("taskmanager.memory.network.max"),
}
"""By what the failure of a task says."""


@dataclass(frozen=True)
class Cause:
    """Why a container ended, or a run failed: one word for programs, one line for people."""

    reason: str
    message: str


def cause_of(text: str, exit_code: int) -> Cause:
    """Read a termination message: a line of our own, a Python traceback, a log's last line."""
    text = text.strip()
    if TRACEBACK in text:
        return Cause("PythonError", _clip(_python_error(text)))
    if "\n" not in text and (own := _OWN.match(text)) and not _EXCEPTION.match(text):
        return Cause(own[1], _clip(own[2]))
    if "java.lang.OutOfMemoryError" in text:
        return Cause(JVM_OUT_OF_MEMORY, _clip(_line_with("java.lang.OutOfMemoryError", text)))
    if not text:
        return Cause("Exited", _silent(exit_code))
    if "\n" not in text and _EXCEPTION.match(text):
        return Cause("PythonError", _clip(text))
    return Cause("Exited", _clip(_java_cause(text) or text.splitlines()[-1].strip()))


def _silent(exit_code: int) -> str:
    said = f"it ended with exit code {exit_code} and left no message"
    if exit_code == _KILLED:
        return f"{said}: somebody killed it, and Kubernetes does not say that memory was the cause"
    if exit_code in _CRASHES:
        return f"{said}: a native crash, {_CRASHES[exit_code]}"
    return said


def root_cause(stack_trace: str) -> str:
    """One line for the failure of a running job, as Flink's REST tells it."""
    if TRACEBACK in stack_trace:
        return _clip(_python_error(stack_trace))
    first = stack_trace.strip().splitlines()
    cause = _java_cause(stack_trace) or (first[0] if first else "")
    if record := _UNDECODABLE.search(stack_trace):
        cause = f"the record {record[1][:_EXCERPT]} cannot be decoded: {cause}"
    return _clip(cause) + _remedy(cause)


def _remedy(cause: str) -> str:
    """Which field to raise, where the JVM of a TaskManager has too little of something."""
    return next((f": {raise_}" for words, raise_ in _MORE.items() if words in cause), "")


def _python_error(text: str) -> str:
    """The exception that the last traceback ends with, and where it was raised."""
    last = text[text.rindex(TRACEBACK) :]
    lines = last.splitlines()[1:]
    ends = [i for i, line in enumerate(lines) if line.strip() and not line[0].isspace()]
    if not ends:
        return lines[-1].strip() if lines else "a Python error"
    places = _PLACE.findall("\n".join(lines[: ends[0]]))
    message = lines[ends[0]].strip()
    deepest = _java_cause("\n".join(lines[ends[0] :]))
    if deepest not in message:
        message = f"{message.rstrip('.')}: {deepest}"
    if not places:
        return message
    file, number = places[-1]
    return f"{message} ({file.rsplit('/', 1)[-1]}, line {number})"


def _java_cause(text: str) -> str:
    """The innermost ``Caused by`` of a Java stack trace, without the package of its class."""
    causes = [line for line in text.splitlines() if line.startswith("Caused by: ")]
    found = _JAVA.match(causes[-1].strip()) if causes else None
    if found is None:
        return ""
    name = found[1].rsplit(".", 1)[-1]
    return f"{name}: {found[2]}" if found[2] else name


def _line_with(part: str, text: str) -> str:
    return next(line.strip() for line in text.splitlines() if part in line)


def _clip(text: str) -> str:
    return text if len(text) <= LONGEST else text[: LONGEST - 1] + "…"
