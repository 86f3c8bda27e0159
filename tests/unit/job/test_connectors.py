import re
from pathlib import Path

import pytest

from modelstream.errors import ConnectorError
from modelstream.job import connectors
from modelstream.job.connectors import Endpoint


def test_kafka_brings_its_jar_and_filesystem_brings_none() -> None:
    kafka = Endpoint("pipeline.source", "kafka", "json", {"properties.bootstrap.servers": "k:9"})
    assert connectors.needs_of(kafka).jars == (connectors.KAFKA,)
    files = Endpoint("pipeline.sink", "filesystem", "json", {"path": "/tmp/x"})
    assert connectors.needs_of(files) == connectors.NOTHING


def test_an_s3_path_brings_the_file_system_as_a_plugin() -> None:
    needs = connectors.needs_of(Endpoint("s", "filesystem", "csv", {"path": "s3://bucket/x"}))
    assert needs.plugins == (connectors.S3,)
    assert needs.jars == ()


def test_an_unknown_connector_says_how_to_add_its_jar() -> None:
    with pytest.raises(ConnectorError) as error:
        connectors.needs_of(Endpoint("pipeline.sink", "pulsar", None))
    assert "pipeline.sink.connector: 'pulsar'" in str(error.value)
    assert "pipeline.jars" in str(error.value)
    assert "kafka" in str(error.value)


def test_an_unknown_connector_is_left_to_flink_when_the_manifest_brings_jars() -> None:
    assert connectors.needs_of(Endpoint("s", "pulsar", "odd"), True) == connectors.NOTHING


def test_an_unknown_format_is_refused_by_its_field() -> None:
    told = r"^pipeline\.source\.format: there is no format 'jsn' \(did you mean 'json'\?\)$"
    with pytest.raises(ConnectorError, match=told):
        connectors.needs_of(Endpoint("pipeline.source", "filesystem", "jsn", {"path": "x"}))
    with pytest.raises(ConnectorError, match=r"pipeline\.source\.format: 'xml' is not a format"):
        connectors.needs_of(Endpoint("pipeline.source", "filesystem", "xml", {"path": "x"}))


def test_a_required_option_that_is_missing_is_named() -> None:
    with pytest.raises(ConnectorError, match=r"filesystem needs the option path; add it"):
        connectors.needs_of(Endpoint("pipeline.sink", "filesystem", "json"))
    with pytest.raises(ConnectorError, match=r"needs the option path \(is it 'pth'\?\)"):
        connectors.needs_of(Endpoint("pipeline.sink", "filesystem", "json", {"pth": "x"}))


def test_jars_that_a_directory_has_are_not_missing(tmp_path: Path) -> None:
    (tmp_path / "s3").mkdir()
    (tmp_path / "s3" / connectors.S3.file_name).touch()
    jars = (connectors.S3, connectors.KAFKA)
    assert connectors.missing(jars, [tmp_path, tmp_path / "none"]) == (connectors.KAFKA,)


def test_every_jar_is_pinned_by_coordinates_and_digest() -> None:
    jars = {jar for c in connectors.CATALOGUE.values() for jar in c.jars}
    jars |= {jar for found in connectors.FORMATS.values() for jar in found}
    jars |= set(connectors.FILE_SYSTEMS.values())
    assert len(jars) == 6
    for jar in jars:
        assert re.fullmatch(r"[\w.]+:[\w-]+:[\w.-]+", jar.coordinates)
        assert re.fullmatch(r"[0-9a-f]{64}", jar.sha256)
