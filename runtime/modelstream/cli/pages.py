"""Where the guides say more about an error than its message has room for."""

import re

from modelstream.cli.exits import RecordsRefusedError
from modelstream.errors import (
    ConnectorError,
    DigestMismatchError,
    JavaNotFoundError,
    JobError,
    ModelError,
    SignatureMismatchError,
)

PAGE = "https://modelstream.dev/troubleshooting/"
KINDS: tuple[tuple[type[Exception], str], ...] = (
    (JavaNotFoundError, "there-is-no-java"),
    (SignatureMismatchError, "columns-do-not-fit-the-model"),
    (DigestMismatchError, "a-model-cannot-be-read"),
    (ModelError, "a-model-cannot-be-read"),
    (ConnectorError, "a-connector-or-its-jar-is-missing"),
    (RecordsRefusedError, "no-record-was-scored"),
)
WORDS: tuple[tuple[str, str], ...] = (
    (r"node assignment|does not host this topic", "kafka-does-not-answer"),
    (r"checkpoint|savepoint", "it-cannot-go-on-from-its-state"),
)
"""Of what Flink says: words, and the entry."""


def page_for(error: Exception) -> str | None:
    """The address of the entry for an error; None where there is none."""
    found = next((entry for kind, entry in KINDS if isinstance(error, kind)), None)
    if found is None and isinstance(error, JobError):
        found = next((entry for words, entry in WORDS if re.search(words, str(error))), None)
    return None if found is None else f"{PAGE}#{found}"
