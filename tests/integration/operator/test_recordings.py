"""The recordings that the operator's tests play back are what the pinned Flink says and leaves."""

import pytest
from tests.support import flinkcourses, flinkrecording
from tests.support.controlplane import ControlPlane

pytestmark = [pytest.mark.apiserver, pytest.mark.flink]


@pytest.mark.timeout(900)
def test_a_job_that_ends_is_as_it_was_recorded_and_is_not_begun_again() -> None:
    """``make recordings`` makes all of them anew."""
    with ControlPlane.start() as plane:
        found = {each.name: each.facts() for each in flinkcourses.record(plane, "unresourced")}
    kept = {name: each.facts() for name, each in flinkrecording.read("unresourced").items()}
    assert found == kept
