"""Where things are in a pod. The operator mounts them there."""

from dataclasses import dataclass
from pathlib import Path

from modelstream_crds.names import (
    CONFIG_ROOT,
    DIGESTS_ROOT,
    MANIFEST_PATH,
    MODELS_ROOT,
    SECRETS_ROOT,
)


@dataclass(frozen=True)
class Paths:
    """The places that the entry point reads and writes; tests give their own."""

    flink_home: Path = Path("/opt/flink")
    flink_conf: Path = Path("/opt/flink-conf")
    manifest: Path = Path(MANIFEST_PATH)
    operator_options: Path = Path(f"{CONFIG_ROOT}/flink.yaml")
    secrets: Path = Path(SECRETS_ROOT)
    models: Path = Path(MODELS_ROOT)
    digests: Path = Path(DIGESTS_ROOT)
    state: Path = Path("/tmp/modelstream")  # an emptyDir, of this pod alone
    termination_log: Path = Path("/dev/termination-log")

    @property
    def ready(self) -> Path:
        """One file per model that is loaded and warm, and COMPLETE beside them when all are."""
        return self.state / "ready"

    @property
    def devices(self) -> Path:
        """One lock file per place on a GPU."""
        return self.state / "devices"

    @property
    def killed(self) -> Path:
        """Why the last Python worker was killed; there until the next one has its models."""
        return self.state / "killed"
