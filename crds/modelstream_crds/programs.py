"""spec.sql and spec.python: jobs that say more than a pipeline can."""

from enum import StrEnum
from typing import Annotated, ClassVar

from pydantic import Field, StringConstraints

from modelstream_crds.rules import Part, Rule
from modelstream_crds.scalars import DataKey, ObjectName, Text


class SqlOnError(StrEnum):
    """What a model function does with a record that it cannot score."""

    NULL = "Null"
    FAIL = "Fail"


class Sql(Part):
    """Flink SQL in which each model is a function."""

    statements: Annotated[str, StringConstraints(min_length=1, max_length=100_000)]
    """SQL statements, separated by semicolons. A model named fraud is the function fraud; its
    arguments are its input tensors in the order of their names."""

    on_error: SqlOnError = SqlOnError.NULL
    """What a model function gives for a record that it cannot score: NULL outputs and the reason
    in the field error, or a failed job."""


class ConfigMapScript(Part):
    """A program that is a value of a ConfigMap."""

    name: ObjectName
    """The ConfigMap's name, in the namespace of the ModelStream."""

    key: DataKey = "job.py"
    """The key in the ConfigMap."""


class Python(Part):
    """A PyFlink program on the library."""

    rules: ClassVar[tuple[Rule, ...]] = (
        Rule(
            name="one-program",
            message="must name one program: write exactly one of script, module and configMap",
            cel="[has(self.script), has(self.module), has(self.configMap)]"
            ".filter(given, given).size() == 1",
            holds=lambda p: [p.script, p.module, p.config_map].count(None) == 2,
        ),
    )

    script: Annotated[str, StringConstraints(min_length=1, max_length=1024)] | None = None
    """The path of a program in the image (locally: beside the manifest)."""

    module: Text | None = None
    """A module of the image, as in `python -m`."""

    config_map: ConfigMapScript | None = None
    """A ConfigMap that holds the program."""

    args: Annotated[
        tuple[Annotated[str, StringConstraints(max_length=1024)], ...], Field(max_length=64)
    ] = ()
    """The program's arguments."""
