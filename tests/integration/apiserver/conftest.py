from collections.abc import Iterator

import pytest
from tests.support.controlplane import ControlPlane

from modelstream_crds.crd import custom_resource_definition


@pytest.fixture(scope="session")
def plane() -> Iterator[ControlPlane]:
    with ControlPlane.start() as running:
        running.install_crd(custom_resource_definition())
        yield running
