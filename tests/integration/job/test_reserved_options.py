"""The options that ModelStream owns, against what the pinned Flink says of them."""

from collections.abc import Iterator
from typing import Any

import pytest

from modelstream_crds.reserved import RESERVED
from modelstream_operator.render.config import FOR_EVER, WEEK

CLASSES = (
    *("JobManagerOptions", "TaskManagerOptions", "CheckpointingOptions", "StateRecoveryOptions"),
    *("HighAvailabilityOptions", "RestOptions", "WebOptions", "SecurityOptions", "CoreOptions"),
    *("DeploymentOptions", "ExecutionOptions", "PipelineOptions"),
)


def _options() -> Iterator[Any]:
    """Every option that a public class of Flink declares."""
    from pyflink.java_gateway import get_gateway

    jvm = get_gateway().jvm
    for name in CLASSES:
        declared = jvm.java.lang.Class.forName(f"org.apache.flink.configuration.{name}")
        for field in declared.getFields():
            if field.getType().getSimpleName() == "ConfigOption":
                yield field.get(None)


def test_an_older_name_of_an_option_that_is_reserved_is_reserved_too() -> None:
    older = {
        key.getKey(): option.key()
        for option in _options()
        if option.key() in RESERVED
        for key in option.fallbackKeys()
    }
    assert len(older) > 20
    assert {old: new for old, new in older.items() if old not in RESERVED} == {}


@pytest.mark.parametrize("text", [FOR_EVER, WEEK])
def test_flink_reads_the_durations_that_are_written_for_it(text: str) -> None:
    from pyflink.java_gateway import get_gateway

    read = get_gateway().jvm.org.apache.flink.util.TimeUtils.parseDuration(text)
    assert read.toDays() == int(text.split()[0])


def test_flink_leaves_what_a_job_began_with_to_the_job_that_it_is_of() -> None:
    (claims,) = (
        option for option in _options() if option.key() == "execution.state-recovery.claim-mode"
    )
    assert claims.defaultValue().name() == "NO_CLAIM"
