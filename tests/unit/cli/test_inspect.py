"""What inspect says of a signature beside its tensors."""

import json
import re
from pathlib import Path

import pytest

from modelstream.cli import inspect
from modelstream.cli.arguments import parser
from modelstream.cli.inspect import Inspected, _as_json, _as_table
from modelstream.convert.spec import TensorSpec
from modelstream.fetch.digest import Tree
from modelstream.models import Signature, formats

SPECS = {"x": TensorSpec("float32", (None,), "x")}
TREE = Tree("sha256:0", 1, 1)
PLAIN = Signature("count", "tensorflow/serving/predict", SPECS, SPECS)
STATEFUL = Signature("count", "tensorflow/serving/predict", SPECS, SPECS, stateful=True)
PYTHON = Signature("count", "tensorflow/serving/predict", SPECS, SPECS, python="f (PyFunc)")


def inspected(signature: Signature) -> Inspected:
    return Inspected(Path("m"), "Keras", {}, {signature.name: signature})


@pytest.mark.parametrize(
    ("signature", "said"),
    [
        pytest.param(STATEFUL, r"count changes variables: each worker has its own", id="state"),
        pytest.param(PYTHON, r"count cannot run: .* at f \(PyFunc\)", id="python"),
    ],
)
def test_what_a_signature_does_beside_giving_tensors_is_said(
    signature: Signature, said: str
) -> None:
    assert re.search(said, _as_table(inspected(signature), TREE))
    assert not re.search(said, _as_table(inspected(PLAIN), TREE))


def test_state_is_told_to_programs_too() -> None:
    for signature in (STATEFUL, PLAIN):
        told = json.loads(_as_json(inspected(signature), TREE))["signatures"]["count"]
        assert told["stateful"] is signature.stateful


def test_what_brings_the_layers_of_a_keras_file_is_imported(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Model:
        def __init__(self, path: Path, imports: list[str]) -> None:
            self.path, self.signatures, self.format = path, {}, "Keras"
            given.extend(imports)

    given: list[str] = []
    monkeypatch.setitem(formats._KINDS, "Keras", Model)
    (tmp_path / "net.keras").touch()
    arguments = ["inspect", str(tmp_path / "net.keras"), "--import", "a", "--import", "b.c"]
    inspect.command(parser().parse_args(arguments))
    assert given == ["a", "b.c"]
