"""What the exit code of the command says."""

from enum import IntEnum

from modelstream.errors import (
    ConnectorError,
    JavaNotFoundError,
    ModelError,
    ModelLoadError,
    ModelStreamError,
    OptionError,
)
from modelstream_crds.problems import ManifestError


class Exit(IntEnum):
    """Exit codes, the same for every command."""

    DONE = 0
    FAILED = 1
    """It was tried and failed: the job, a download, a digest; or no record was scored."""
    REFUSED = 2
    """What was given cannot be used: arguments, manifest, model, options. Nothing was started."""
    HUNG_UP = 129
    """SIGHUP, as when a terminal is closed; the job was stopped."""
    INTERRUPTED = 130
    """Ctrl-C; the job was stopped."""
    TERMINATED = 143
    """SIGTERM; the job was stopped."""


_REFUSED = (
    ManifestError,
    ConnectorError,
    JavaNotFoundError,
    ModelError,
    OptionError,
)


class UsageError(ModelStreamError):
    """An argument does not fit the others, or the manifest."""


class RefusedError(UsageError):
    """A job that cannot be built of what was given: none was started."""


class RecordsRefusedError(ModelStreamError):
    """Too many records were not scored; the lines below the first one say why."""


def exit_for(error: Exception) -> Exit:
    """The exit code that an error of the project ends in."""
    if isinstance(error, ModelLoadError):
        return Exit.FAILED
    return Exit.REFUSED if isinstance(error, (*_REFUSED, UsageError)) else Exit.FAILED
