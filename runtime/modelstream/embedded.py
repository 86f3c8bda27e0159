"""The error that a model function of this process ended its job with.

Flink tells of one failure of a job, the first that reached the JobManager. When a source's event
for the failed task overtakes the failure itself, that is «TaskNotRunningException», which says
nothing. An embedded Flink runs Python functions in the process that waits for the job, so the
cause can be looked up here; a cluster has it in the log of its TaskManager.
"""

import threading

_lock = threading.Lock()
_first: BaseException | None = None


def note(error: BaseException) -> None:
    """Keep the error, unless one is kept already: what follows is a consequence."""
    global _first
    with _lock:
        _first = _first or error


def forget() -> None:
    """A new job begins."""
    global _first
    with _lock:
        _first = None


def first() -> BaseException | None:
    """The first error since the job began."""
    return _first
