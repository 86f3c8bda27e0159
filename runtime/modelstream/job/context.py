"""What a job finds where it runs, on a laptop or in a pod: models, secrets, mounts."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.errors import JobError
from modelstream_crds import names

SecretPath = Callable[[str, str], Path]
"""The file that holds a Secret's key, by (name, key)."""


def mounted_secret(name: str, key: str) -> Path:
    """Where a pod finds a Secret's key."""
    return Path(names.SECRETS_ROOT) / name / key


@dataclass(frozen=True)
class JobContext:
    """Where a job runs and what it was given.

    Attributes:
        model_paths: the directory of each model, by name.
        secret: the file of a Secret's key.
        mounts: directories for what exists only in a cluster (claims, ConfigMaps), by name.
        local: Flink is embedded in this process; False in a pod, where the cluster's
            configuration has been written before the job starts.
        parallelism: overrides the manifest's.
        restore_from: a checkpoint or savepoint to start from.
        base: the directory that a relative script path starts at.
        configuration: more Flink options; they win over the manifest's.
    """

    model_paths: Mapping[str, Path] = field(default_factory=dict)
    secret: SecretPath = mounted_secret
    mounts: Mapping[str, Path] = field(default_factory=dict)
    local: bool = True
    parallelism: int | None = None
    restore_from: str | None = None
    base: Path = Path()
    configuration: Mapping[str, str] = field(default_factory=dict)

    def mount(self, name: str) -> Path:
        """The directory that stands for a claim or ConfigMap.

        Raises:
            JobError: none was given.
        """
        try:
            return self.mounts[name]
        except KeyError:
            raise JobError(
                f"{name!r} exists only in a cluster: give a directory for it with "
                f"--mount {name}=DIR"
            ) from None
