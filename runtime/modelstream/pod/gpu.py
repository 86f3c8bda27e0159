"""GPUs of a TaskManager pod: are they there, and which worker takes which.

Flink starts one Python worker per slot and does not tell it which slot it is in. So each worker
takes the first device that nobody holds, by a lock on a file: the kernel gives the lock back when
the process ends, however it ends.
"""

import ctypes
import fcntl
import os
import time
from collections.abc import Callable, Iterator, Mapping, MutableMapping
from dataclasses import dataclass
from pathlib import Path

from modelstream.pod.failure import PodError
from modelstream_crds.names import GPU_CHECK, GPU_COUNT
from modelstream_crds.podreasons import PodReason

SLOTS = "MODELSTREAM_SLOTS"
VISIBLE = "CUDA_VISIBLE_DEVICES"


@dataclass(frozen=True)
class Claim:
    """A device that this process holds until it ends."""

    device: str
    lock: int


def asked_for(environment: Mapping[str, str]) -> int:
    """How many GPUs the pod was given."""
    return int(environment.get(GPU_COUNT) or 0)


def is_checked(environment: Mapping[str, str]) -> bool:
    """Whether a missing GPU is an error; ``MODELSTREAM_GPU_CHECK=Off`` says that it is not."""
    return asked_for(environment) > 0 and environment.get(GPU_CHECK, "On").lower() != "off"


def driver_devices() -> int:
    """How many devices the NVIDIA driver shows to this container; 0 without a driver."""
    try:
        driver = ctypes.CDLL("libcuda.so.1")
    except OSError:
        return 0
    count = ctypes.c_int(0)
    if driver.cuInit(0) != 0 or driver.cuDeviceGetCount(ctypes.byref(count)) != 0:
        return 0
    return count.value


def require(
    environment: Mapping[str, str], devices: Callable[[], int] = driver_devices, who: str = "driver"
) -> None:
    """Refuse to run on the CPU in silence.

    Raises:
        PodError: fewer devices are visible than the pod was given.
    """
    if not is_checked(environment):
        return
    wanted, seen = asked_for(environment), devices()
    if seen < wanted:
        raise PodError(PodReason.GPU_NOT_VISIBLE, _missing(wanted, seen, who))


def _missing(wanted: int, seen: int, who: str) -> str:
    cause = {
        "driver": "the NVIDIA driver shows {seen}. Is the node's container runtime set up for GPUs "
        "(spec.gpu.runtimeClassName), and does its device plugin run?",
        "tensorflow": "TensorFlow of this image sees {seen}. Is it an image with CUDA "
        "(spec.flink.image)?",
    }[who]
    return (
        f"spec.gpu.count is {wanted}, but {cause.format(seen=seen)} "
        f"To run on the CPU all the same, set {GPU_CHECK}=Off in the TaskManager's podTemplate."
    )


def claim(
    environment: MutableMapping[str, str],
    locks: Path,
    patience: float = 60.0,
    clock: Callable[[], float] = time.monotonic,
    wait: Callable[[float], None] = time.sleep,
) -> Claim | None:
    """Take a device for this process, before TensorFlow is imported.

    With more slots than devices several workers share one, evenly. A worker that is ending may
    hold its device for a moment, so this waits.

    Raises:
        PodError: all places were still taken after ``patience`` seconds.
    """
    devices = _devices(environment)
    if not devices:
        return None
    locks.mkdir(parents=True, exist_ok=True)
    deadline = clock() + patience
    while True:
        for device, place in _places(devices, environment):
            if (lock := _locked(locks / place)) is not None:
                environment[VISIBLE] = device
                return Claim(device, lock)
        if clock() >= deadline:
            raise PodError(
                "GpuTaken", f"all of {', '.join(devices)} are held by other workers of this pod"
            )
        wait(0.2)


def _devices(environment: Mapping[str, str]) -> list[str]:
    """What the container was told (MIG devices have names), else numbers from 0."""
    told = [name for name in environment.get(VISIBLE, "").split(",") if name.strip()]
    return told or [str(index) for index in range(asked_for(environment))]


def _places(devices: list[str], environment: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """Devices in the order in which they are taken: each once before any twice."""
    slots = max(int(environment.get(SLOTS) or 1), len(devices))
    for index in range(slots):
        share, device = divmod(index, len(devices))
        yield devices[device], f"device-{device}-{share}"


def _locked(path: Path) -> int | None:
    lock = os.open(path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        os.close(lock)
        return None
    return lock
