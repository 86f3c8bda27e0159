import json
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any

import pytest

from modelstream.pod.paths import Paths

SAVED_MODEL = """
saved_model_schema_version: 1
meta_graphs {
  meta_info_def { tags: "serve" }
  %s
}
"""
SIGNATURE = """
signature_def {
  key: "%s"
  value {
    %s
    outputs { key: "y" value { name: "y:0" dtype: DT_FLOAT tensor_shape { dim { size: -1 } } } }
    method_name: "tensorflow/serving/predict"
  }
}
"""


INPUT = 'inputs { key: "%s" value { name: "%s:0" dtype: DT_FLOAT tensor_shape { %s } } }'
X: Mapping[str, tuple[int, ...]] = MappingProxyType({"x": (-1,)})


def saved_model(
    directory: Path, *signatures: str, inputs: Mapping[str, tuple[int, ...]] = X
) -> Path:
    """A SavedModel as far as its signatures can be read."""
    directory.mkdir(parents=True)
    taken = "".join(
        INPUT % (name, name, "".join(f"dim {{ size: {size} }}" for size in shape))
        for name, shape in inputs.items()
    )
    names = signatures or ("serving_default",)
    text = SAVED_MODEL % "".join(SIGNATURE % (name, taken) for name in names)
    (directory / "saved_model.pbtxt").write_text(text)
    return directory


def manifest(**spec: Any) -> dict[str, Any]:
    """A resource with one model and a program that needs nothing else."""
    fields = {
        "models": [{"name": "fraud", "uri": "pvc://models/fraud"}],
        "sql": {"statements": "SELECT 1"},
        **spec,
    }
    return {
        "apiVersion": "modelstream.dev/v1alpha1",
        "kind": "ModelStream",
        "metadata": {"name": "scores"},
        "spec": {name: value for name, value in fields.items() if value is not None},
    }


class Pod:
    """The places of a pod in a temporary directory."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.paths = Paths(
            flink_home=root / "flink",
            flink_conf=root / "flink-conf",
            manifest=root / "config" / "modelstream.yaml",
            operator_options=root / "config" / "flink.yaml",
            secrets=root / "secrets",
            models=root / "models",
            digests=root / "digests",
            state=root / "state",
            termination_log=root / "termination-log",
        )
        (root / "flink" / "conf").mkdir(parents=True)
        (root / "config").mkdir()
        (root / "flink-conf").mkdir()
        self.paths.termination_log.touch()
        self.shipped("env:\n  java:\n    opts:\n      all: --add-opens=java.base/java.lang=X\n")
        self.operator({})
        self.manifest()

    def shipped(self, text: str) -> None:
        (self.paths.flink_home / "conf" / "config.yaml").write_text(text)

    def operator(self, options: dict[str, Any]) -> None:
        self.paths.operator_options.write_text(json.dumps(options))

    def manifest(self, **spec: Any) -> None:
        self.paths.manifest.write_text(json.dumps(manifest(**spec)))

    @property
    def termination_message(self) -> str:
        return self.paths.termination_log.read_text()


@pytest.fixture
def pod(tmp_path: Path) -> Pod:
    return Pod(tmp_path)
