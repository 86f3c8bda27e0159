"""Option values that come from Secrets: read from files, kept out of every message."""

from collections.abc import Mapping
from pathlib import Path

from modelstream.errors import JobError
from modelstream.job.context import SecretPath
from modelstream_crds.v1alpha1 import SecretKey

HIDDEN = "******"
_SHORTEST = 4  # redacting shorter values would blot out ordinary text


class Secrets:
    """Reads secret values and remembers them, so that messages can be cleared of them."""

    def __init__(self, path: SecretPath) -> None:
        self._path = path
        self._values: set[str] = set()

    def options(self, keys: Mapping[str, SecretKey], field: str) -> dict[str, str]:
        """The values of secret options.

        Args:
            keys: which Secret and key holds each option.
            field: where they stand in the manifest, for messages.

        Raises:
            JobError: a value is not there.
        """
        return {option: self._read(key, f"{field}.{option}") for option, key in keys.items()}

    def redact(self, text: str) -> str:
        """The text without any secret value that was read."""
        for value in sorted(self._values, key=len, reverse=True):
            text = text.replace(value, HIDDEN)
        return text

    def _read(self, key: SecretKey, field: str) -> str:
        path = self._path(key.name, key.key)
        value = _content(path, key, field).strip()
        if len(value) >= _SHORTEST:
            self._values.add(value)
        return value


def _content(path: Path, key: SecretKey, field: str) -> str:
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as cause:
        reason = getattr(cause, "strerror", None) or "it is not UTF-8 text"
        raise JobError(
            f"{field}: the Secret {key.name} has no readable key {key.key} at {path} ({reason}); "
            f"locally, give it with --secret {key.name}/{key.key}=FILE"
        ) from cause
