"""How the job's checkpoints do, and what could be restored from now. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from modelstream_crds.v1alpha1 import CheckpointStatus, ModelStreamStatus
from modelstream_operator.decide.fields import given, stamp, time
from modelstream_operator.decide.laststate import handed_on
from modelstream_operator.decide.memory import Memory, Step
from modelstream_operator.decide.problem import Reason
from modelstream_operator.decide.stage import Says
from modelstream_operator.resources import Manifest

ASKED = timedelta(seconds=30)
"""Between two questions about the same job."""
WRITTEN = timedelta(minutes=5)
"""How far apart two checkpoints are that are both written, while nothing fails."""
LONGEST = 300
"""Characters of Flink's words about one that failed."""


@dataclass(frozen=True)
class Health:
    """What Flink's ``/jobs/:id/checkpoints`` says of the newest checkpoints."""

    path: str = ""
    completed: datetime | None = None
    duration: timedelta = timedelta()
    size: int = 0
    """Bytes of the whole state."""
    failed: int = 0
    """In a row, since the last that is complete."""
    cause: str = ""

    @classmethod
    def of(cls, answer: Mapping[str, Any]) -> "Health":
        """Read the answer; its times are the JobManager's milliseconds."""
        latest = answer.get("latest", {})
        done, failed = latest.get("completed") or {}, latest.get("failed") or {}
        behind = _number(failed, "id") - _number(done, "id")
        acknowledged = _number(done, "latest_ack_timestamp")
        return cls(
            path=str(done.get("external_path", "")),
            completed=datetime.fromtimestamp(acknowledged / 1000, UTC) if acknowledged else None,
            duration=timedelta(milliseconds=_number(done, "end_to_end_duration")),
            size=_number(done, "state_size"),
            failed=max(0, behind),
            cause=str(failed.get("failure_message") or "")[:LONGEST] if behind > 0 else "",
        )

    def written(self) -> Manifest:
        """The fields of status that hold it."""
        return given(
            path=self.path,
            time=stamp(self.completed),
            duration=f"{self.duration.total_seconds():g}s" if self.completed else None,
            size=self.size,
            failed=self.failed,
            error=self.cause,
        )


def told(health: Health | None, memory: Memory, before: ModelStreamStatus) -> Manifest:
    """What status says: anew when checkpoints begin or cease to fail, else now and then."""
    old = before.checkpoint if before.run == memory.run else None
    if health is None or (old is not None and not _is_news(health, old)):
        return old.model_dump(by_alias=True, exclude_none=True) if old else {}
    return health.written()


def safe(memory: Memory, checkpoint: Manifest) -> Says | None:
    """The condition StateSafe; None where there is nothing that could be lost."""
    if memory.step not in {Step.DEPLOYED, Step.SAVEPOINTING}:
        left = handed_on(memory)
        return Says("True", Reason.STATE_KEPT, f"what is left: {left.named}") if left else None
    if checkpoint.get("failed"):
        return Says("False", Reason.CHECKPOINTS_FAIL, _failing(checkpoint))
    if checkpoint.get("time"):
        text = f"{checkpoint.get('path', 'a checkpoint')}, completed at {checkpoint['time']}"
        return Says("True", Reason.CHECKPOINTED, text)
    began = memory.restored_from.settled if memory.restored_from else None
    since = f": what could be restored is what the run began with, {began.named}" if began else ""
    return Says("Unknown", Reason.NO_CHECKPOINT, f"no checkpoint is known to be complete{since}")


def _failing(checkpoint: Manifest) -> str:
    last = f"the last that is complete is of {checkpoint['time']}" if "time" in checkpoint else ""
    cause = checkpoint.get("error", "Flink names no cause")
    return f"checkpoints fail ({cause}); {last or 'none was complete before'}"


def _is_news(health: Health, old: CheckpointStatus) -> bool:
    if bool(health.failed) != bool(old.failed):
        return True
    before = time(old.time)
    if health.completed is None or before is None:
        return health.completed is not None
    return health.completed - before >= WRITTEN


def _number(entry: Mapping[str, Any], key: str) -> int:
    value = entry.get(key)
    return value if isinstance(value, int) else 0
