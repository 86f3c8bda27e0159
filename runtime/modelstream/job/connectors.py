"""What must be on Flink's class path for a connector, a format or a file system.

Flink's pip distribution has filesystem, datagen, print, blackhole and json, csv, raw; the
catalogue adds what ModelStream treats as first class. Anything else comes by ``pipeline.jars``.
"""

import importlib.util
import os
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from modelstream.errors import ConnectorError
from modelstream.job.artifacts import Jar
from modelstream.messages import suggestion

KAFKA = Jar(
    "org.apache.flink:flink-sql-connector-kafka:5.0.0-2.2",
    "5605c691d11a501382c383fecba37a7a552467da5ab7ba904ef5d6f3d62c5616",
)
S3 = Jar(
    "org.apache.flink:flink-s3-fs-hadoop:2.3.0",
    "5a3de2daac49e9df1783367391f994dace3bfa18c168b45c3d4563decca7d3d0",
)
AVRO = Jar(
    "org.apache.flink:flink-sql-avro:2.3.0",
    "8f6a41ce820303bd816ebddafbd6edcd6b5c43b4fdac348ad7c0d9029e4e7f75",
)
PARQUET = (
    Jar(
        "org.apache.flink:flink-sql-parquet:2.3.0",
        "f30617f4a5a6d437750f155ff72178ab34439aec91df64d96621c260559ba5fd",
    ),
    Jar(
        "org.apache.hadoop:hadoop-client-api:3.4.2",
        "607c0299f4df33013bd0a0f37c8cf255c635bbaddd247b8fec68c210cc17d19f",
    ),
    Jar(
        "org.apache.hadoop:hadoop-client-runtime:3.4.2",
        "18d071c7f72f8a946677b398a57af9c7afa2dd41a81023c310f99373fec200b3",
    ),
)


@dataclass(frozen=True)
class Connector:
    """A connector by Flink's name: its jars and the options that it cannot do without.

    Attributes:
        jars: that it is in.
        required: options.
        has_format: whether its records are written in a format; None where options say it.
    """

    jars: tuple[Jar, ...] = ()
    required: tuple[str, ...] = ()
    has_format: bool | None = None


CATALOGUE: Mapping[str, Connector] = {
    "filesystem": Connector(required=("path",), has_format=True),
    "datagen": Connector(has_format=False),
    "print": Connector(has_format=False),
    "blackhole": Connector(has_format=False),
    "kafka": Connector((KAFKA,), ("properties.bootstrap.servers",)),
    "upsert-kafka": Connector((KAFKA,), ("topic", "properties.bootstrap.servers")),
}
FORMATS: Mapping[str, tuple[Jar, ...]] = {
    **dict.fromkeys(("json", "csv", "raw", "file"), ()),
    **dict.fromkeys(("debezium-json", "canal-json", "maxwell-json", "ogg-json"), ()),
    "avro": (AVRO,),
    "parquet": PARQUET,
}
FILE_SYSTEMS: Mapping[str, Jar] = {"s3": S3, "s3a": S3}


@dataclass(frozen=True)
class Needs:
    """What a job needs beyond Flink itself: jars on the class path, file systems as plugins."""

    jars: tuple[Jar, ...] = ()
    plugins: tuple[Jar, ...] = ()

    def __or__(self, other: "Needs") -> "Needs":
        return Needs(_union(self.jars, other.jars), _union(self.plugins, other.plugins))


NOTHING = Needs()


@dataclass(frozen=True)
class Endpoint:
    """One table of a pipeline as the catalogue sees it; ``place`` is its field in the manifest."""

    place: str
    connector: str
    format: str | None
    options: Mapping[str, str] = field(default_factory=dict)


def needs_of(endpoint: Endpoint, own_jars: bool = False) -> Needs:
    """The jars of one endpoint.

    Args:
        endpoint: a source or a sink.
        own_jars: the manifest or the Flink installation brings jars of its own, so that a name
            outside the catalogue may well exist; Flink decides then.

    Raises:
        ConnectorError: a name that is unknown and comes from nowhere, or a missing option.
    """
    connector = CATALOGUE.get(endpoint.connector)
    if connector is None and not own_jars:
        raise ConnectorError(_unknown(endpoint.place, "connector", endpoint.connector, CATALOGUE))
    if endpoint.format is not None and endpoint.format not in FORMATS and not own_jars:
        raise ConnectorError(_unknown(endpoint.place, "format", endpoint.format, FORMATS))
    connector = connector or Connector()
    _check_required(endpoint, connector)
    _check_format(endpoint, connector)
    formats = FORMATS.get(endpoint.format or "", ())
    return Needs(_union(connector.jars, formats)) | needs_of_paths(endpoint.options.values())


def needs_of_paths(values: Iterable[str]) -> Needs:
    """The file systems that option values name, such as ``s3://bucket/path``."""
    schemes = {value.split("://", 1)[0] for value in values if "://" in value}
    return Needs(plugins=_union((), (FILE_SYSTEMS[s] for s in schemes if s in FILE_SYSTEMS)))


def missing(jars: Iterable[Jar], directories: Iterable[Path]) -> tuple[Jar, ...]:
    """The jars that are in none of the directories (an image has them in lib and plugins)."""
    present = {path.name for d in directories if d.is_dir() for path in d.rglob("*.jar")}
    return tuple(jar for jar in jars if jar.file_name not in present)


def flink_home() -> Path:
    """The Flink installation that this process uses: ``FLINK_HOME`` or the pip package."""
    if home := os.environ.get("FLINK_HOME"):
        return Path(home)
    spec = importlib.util.find_spec("pyflink")
    if spec is None or not spec.submodule_search_locations:
        raise ConnectorError("Flink is not installed: pip install 'modelstream[runtime]'")
    return Path(next(iter(spec.submodule_search_locations)))


def _check_required(endpoint: Endpoint, connector: Connector) -> None:
    given = {name for name, value in endpoint.options.items() if value}
    absent = [name for name in connector.required if name not in given]
    if absent:
        near = suggestion(absent[0], endpoint.options).replace("did you mean", "is it")
        raise ConnectorError(
            f"{endpoint.place}.options: the connector {endpoint.connector} needs the option "
            f"{', '.join(absent)}{near}; add it under {endpoint.place}.options"
        )


def _check_format(endpoint: Endpoint, connector: Connector) -> None:
    if endpoint.format is not None and connector.has_format is False:
        raise ConnectorError(
            f"{endpoint.place}.format: the connector {endpoint.connector} has none: leave it out"
        )
    if endpoint.format is None and connector.has_format and "format" not in endpoint.options:
        raise ConnectorError(
            f"{endpoint.place}: the connector {endpoint.connector} needs a format: write "
            f"format: json, or another"
        )


def _unknown(field: str, kind: str, name: str, known: Iterable[str]) -> str:
    near = suggestion(name, known)
    if near:
        return f"{field}.{kind}: there is no {kind} {name!r}{near}"
    return (
        f"{field}.{kind}: {name!r} is not a {kind} that ModelStream brings "
        f"({', '.join(sorted(known))}). For another of Flink's, add its jar{_jar_of(name)}: "
        f"flink.configuration: {{pipeline.jars: 'file:///path/to/{name}.jar'}}, "
        f"or put the jar into $FLINK_HOME/lib of the image"
    )


_JARS = {
    "jdbc": "flink-connector-jdbc, and the driver of the database",
    "mongodb": "flink-sql-connector-mongodb",
    "elasticsearch-7": "flink-sql-connector-elasticsearch7",
    "opensearch": "flink-sql-connector-opensearch",
    "hbase-2.2": "flink-sql-connector-hbase-2.2",
    "kinesis": "flink-sql-connector-aws-kinesis-streams",
    "pulsar": "flink-sql-connector-pulsar",
    "orc": "flink-sql-orc",
    "protobuf": "flink-sql-protobuf",
}


def _jar_of(name: str) -> str:
    """Where it comes from, of those that are asked for."""
    return f" (org.apache.flink:{_JARS[name]}; Maven Central has it)" if name in _JARS else ""


def _union(first: Iterable[Jar], second: Iterable[Jar]) -> tuple[Jar, ...]:
    return tuple(dict.fromkeys((*first, *second)))
