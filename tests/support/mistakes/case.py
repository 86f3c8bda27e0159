"""A mistake: what is typed, and what must be printed."""

from dataclasses import dataclass

from modelstream.cli.exits import Exit

MANIFEST = """\
apiVersion: modelstream.dev/v1alpha1
kind: ModelStream
metadata:
  name: fraud
spec:
  models:
  - name: double
    uri: file://HERE/model
  pipeline:
    source:
      connector: filesystem
      format: json
      schema:
      - {name: id, type: BIGINT}
      - {name: x, type: FLOAT}
      options: {path: in}
    inference:
      model: double
      inputs: {x: x}
      keep: [id]
      onError: DeadLetter
    sink:
      connector: filesystem
      format: json
      options: {path: out}
    deadLetter:
      connector: filesystem
      format: json
      options: {path: dead}
  flink:
    runtimeMode: Batch
"""
JOB = MANIFEST[: MANIFEST.index("  pipeline:")]
INFERENCE = MANIFEST[MANIFEST.index("    inference:") : MANIFEST.index("    sink:")]
SINK = MANIFEST[MANIFEST.index("    sink:") : MANIFEST.index("    deadLetter:")]
LETTERS = MANIFEST[MANIFEST.index("    deadLetter:") : MANIFEST.index("  flink:")]
VALIDATE = ("validate", "job.yaml")
PLAN = ("plan", "job.yaml", "--offline")


@dataclass(frozen=True)
class Mistake:
    """What is typed, and what must be printed.

    Attributes:
        id: its number.
        edit: a text of the manifest, and what stands in its place; or the whole manifest.
        where: file and line, and the field; or the argument.
        what: what is wrong.
        do: what to write instead.
        typed: the command.
        code: how it ends.
    """

    id: str
    edit: tuple[str, str] | str | bytes
    where: str
    what: str
    do: str
    typed: tuple[str, ...] = VALIDATE
    code: Exit = Exit.REFUSED


def typed(id: str, command: tuple[str, ...], where: str, what: str, do: str) -> Mistake:
    return Mistake(id, MANIFEST, where, what, do, command)


def setting(id: str, value: str, where: str, what: str, do: str) -> Mistake:
    return typed(id, (*VALIDATE, "--set", value), where, what, do)
