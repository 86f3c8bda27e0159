import subprocess
import sys

import pytest

from modelstream.pod import gpu
from modelstream.pod.failure import PodError
from modelstream_crds.names import GPU_CHECK, GPU_COUNT

HOLD = """
import os, sys
from pathlib import Path
from modelstream.pod import gpu
claim = gpu.claim(os.environ, Path(sys.argv[1]))
print(os.environ["CUDA_VISIBLE_DEVICES"], flush=True)
sys.stdin.read()
"""


def worker(locks, count, slots):
    """A process that takes a device as a Python worker does, and holds it until it is let go."""
    return subprocess.Popen(
        [sys.executable, "-c", HOLD, str(locks)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={GPU_COUNT: str(count), gpu.SLOTS: str(slots)},
    )


@pytest.fixture
def start(tmp_path):
    workers = []

    def begin(count, slots):
        workers.append(worker(tmp_path, count, slots))
        return workers[-1], workers[-1].stdout.readline().strip()

    yield begin
    for each in workers:
        each.communicate()


def test_each_worker_takes_a_device_of_its_own(start):
    devices = [start(count=3, slots=3)[1] for _ in range(3)]

    assert sorted(devices) == ["0", "1", "2"]


def test_a_device_comes_free_when_its_worker_is_killed(start):
    first, device = start(count=2, slots=2)
    start(count=2, slots=2)
    first.kill()

    assert start(count=2, slots=2)[1] == device


def test_more_slots_than_devices_share_them_evenly(start):
    devices = [start(count=2, slots=4)[1] for _ in range(4)]

    assert sorted(devices) == ["0", "0", "1", "1"]


def test_devices_with_names_are_taken_by_name(tmp_path):
    environment = {GPU_COUNT: "2", gpu.VISIBLE: "MIG-a,MIG-b"}
    gpu.claim(environment, tmp_path)

    assert environment[gpu.VISIBLE] == "MIG-a"


def test_a_worker_without_gpus_claims_nothing(tmp_path):
    environment: dict[str, str] = {}

    assert gpu.claim(environment, tmp_path) is None
    assert environment == {}


def test_a_worker_waits_for_a_device_and_then_says_that_all_are_taken(tmp_path):
    gpu.claim({GPU_COUNT: "1"}, tmp_path)
    times = iter(range(10))

    with pytest.raises(PodError, match="all of 0 are held by other workers"):
        gpu.claim({GPU_COUNT: "1"}, tmp_path, patience=3, clock=lambda: next(times), wait=id)


def test_a_pod_that_asked_for_a_gpu_and_sees_none_is_refused():
    with pytest.raises(PodError, match=r"spec.gpu.count is 2, .* driver shows 1") as raised:
        gpu.require({GPU_COUNT: "2"}, devices=lambda: 1)

    assert raised.value.reason == "GpuNotVisible"


def test_an_image_without_cuda_is_named_as_the_cause():
    with pytest.raises(PodError, match="Is it an image with CUDA"):
        gpu.require({GPU_COUNT: "1"}, devices=lambda: 0, who="tensorflow")


@pytest.mark.parametrize(
    "environment",
    [
        pytest.param({}, id="no GPU asked for"),
        pytest.param({GPU_COUNT: "0"}, id="count is zero"),
        pytest.param({GPU_COUNT: "1", GPU_CHECK: "Off"}, id="check turned off"),
    ],
)
def test_the_cpu_is_used_where_that_was_asked_for(environment):
    gpu.require(environment, devices=lambda: 0)


def test_enough_devices_pass():
    gpu.require({GPU_COUNT: "1"}, devices=lambda: 1)


def test_a_machine_without_a_driver_has_no_devices():
    assert gpu.driver_devices() >= 0
