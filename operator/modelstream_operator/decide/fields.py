"""Fields of status as Kubernetes writes them. Pure."""

from datetime import UTC, datetime

from modelstream_operator.resources import Manifest


def stamp(time: datetime | None) -> str | None:
    """A time as Kubernetes writes it."""
    if time is None:
        return None
    return time.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def time(text: str | None) -> datetime | None:
    """A time that Kubernetes has written; None of a text that is none."""
    try:
        found = datetime.fromisoformat(text) if text else None
    except ValueError:
        return None
    return found.replace(tzinfo=found.tzinfo or UTC) if found else None


def given(**values: object) -> Manifest:
    """The fields that have a value."""
    return {key: value for key, value in values.items() if value}
