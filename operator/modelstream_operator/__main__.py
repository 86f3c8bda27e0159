"""``python -m modelstream_operator``: serve until told to end."""

import gc
import sys

import kopf

from modelstream_operator import logs
from modelstream_operator.handlers import REGISTRY
from modelstream_operator.settings import Settings, SettingsError

COLLECTED = (100_000, 50, 100)
"""When Python looks for garbage that holds itself: each time it walks over all that is watched."""


def main() -> int:
    """Run the operator; returns the exit code."""
    try:
        settings = Settings.from_environment()
    except SettingsError as error:
        print(error, file=sys.stderr)
        return 2
    logs.configure(settings)
    gc.set_threshold(*COLLECTED)
    memo = kopf.Memo(settings=settings)
    kopf.run(
        registry=REGISTRY,
        clusterwide=not settings.namespaces,
        namespaces=settings.namespaces,
        standalone=True,
        liveness_endpoint=liveness_endpoint(settings.liveness_port),
        memo=memo,
    )
    return 1 if "service" in memo and memo.service.lost else 0


def liveness_endpoint(port: int) -> str | None:
    """Where kopf answers the probe; None for port 0, of which kopf would make 80."""
    return f"http://0.0.0.0:{port}/healthz" if port else None


if __name__ == "__main__":
    sys.exit(main())
