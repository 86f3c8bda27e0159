import pytest
from tests.support.resource_cases import edited

from modelstream_crds.reserved import RESERVED
from modelstream_crds.v1alpha1 import ModelStream
from modelstream_operator.render.config import flink_options
from modelstream_operator.render.target import Target


def _options(configuration: dict[str, str]) -> dict[str, str]:
    manifest = edited(
        {
            "metadata.namespace": "default",
            "metadata.uid": "0f1e2d3c-4b5a-6978-8796-a5b4c3d2e1f0",
            "spec.state": {"storage": "s3://bucket/state"},
            "spec.flink": {"configuration": configuration},
        }
    )
    stream = ModelStream.model_validate(manifest)
    return flink_options(Target(stream, manifest, run=1, job_id="0" * 32))


@pytest.mark.parametrize("key", sorted(_options({})))
def test_an_option_is_the_users_or_is_refused(key: str) -> None:
    kept = _options({key: "the user's"})[key] == "the user's"
    assert kept is not (key in RESERVED)


@pytest.mark.parametrize(
    "key",
    [
        *("execution.state-recovery.claim-mode", "execution.savepoint-restore-mode"),
        "execution.state-recovery.ignore-unclaimed-state",
        "execution.savepoint.ignore-unclaimed-state",
        *("execution.checkpointing.create-subdir", "state.checkpoints.create-subdir"),
        *("job-result-store.storage-path", "application-result-store.storage-path"),
        *("security.ssl.rest.enabled", "scheduler-mode", "slot.request.timeout"),
        "jobmanager.adaptive-scheduler.submission.resource-wait-timeout",
        "jobmanager.adaptive-scheduler.resource-wait-timeout",
        *("taskmanager.registration.timeout", "taskmanager.maxRegistrationDuration"),
    ],
)
def test_what_would_break_a_life_cycle_is_nobody_s_to_write(key: str) -> None:
    """Also where the operator writes nothing itself, or only for some jobs."""
    assert key in RESERVED
