import pytest

from modelstream_operator.__main__ import liveness_endpoint
from modelstream_operator.settings import Settings, SettingsError


def test_settings_are_read_from_the_environment() -> None:
    environment = {
        "MODELSTREAM_NAMESPACES": "a, b",
        "MODELSTREAM_NODES": "false",
        "MODELSTREAM_CONCURRENCY": "3",
    }
    settings = Settings.from_environment(environment)
    assert (settings.namespaces, settings.nodes, settings.concurrency) == (("a", "b"), False, 3)


def test_an_empty_user_leaves_it_to_the_platform() -> None:
    assert Settings.from_environment({"MODELSTREAM_USER": ""}).user is None
    assert Settings.from_environment({"MODELSTREAM_USER": "1001"}).user == 1001


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        pytest.param("MODELSTREAM_NODES", "maybe", id="flag"),
        pytest.param("MODELSTREAM_CONCURRENCY", "many", id="number"),
        pytest.param("MODELSTREAM_USER", "0", id="root"),
        pytest.param("MODELSTREAM_ROLLOUT", "onebyone", id="rollout"),
    ],
)
def test_a_bad_value_names_its_variable(variable: str, value: str) -> None:
    with pytest.raises(SettingsError, match=variable):
        Settings.from_environment({variable: value})


def test_a_run_is_asked_by_its_own_service() -> None:
    assert Settings().flink_url("fraud", "scores", 3) == "http://scores-jobmanager-3.fraud:8081"


def test_port_0_turns_the_liveness_probe_off() -> None:
    assert liveness_endpoint(8080) == "http://0.0.0.0:8080/healthz"
    assert liveness_endpoint(0) is None
