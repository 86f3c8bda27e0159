"""The table for users of flink-tensorflow names what is there, and leaves nothing out."""

import re
from pathlib import Path

import pytest

import modelstream

ROOT = Path(__file__).parents[3]
PAGE = ROOT / "docs" / "from-flink-tensorflow.md"
SEED = (
    *("Model", "RichModel", "GenericModel", "TensorFlowModel", "CheckpointedModel"),
    *("SavedModelLoader", "DefaultSavedModelLoader", "GraphLoader", "DefaultGraphLoader"),
    *("GraphDefGraphLoader", "SignatureConstants", "GraphMethod", "RegressionMethod"),
    *("ModelFunction", "ManagedResource", "ModelAwareFunction", "ModelUtils"),
    *("AbstractMapFunction", "AbstractFlatMapFunction", "AbstractProcessFunction"),
    *("AbstractCoProcessFunction", "AbstractWindowFunction", "AbstractAllWindowFunction"),
    *("CheckpointedModelAwareFunction", "StreamingModelUtils", "RichDataStream.mapWithModel"),
    *("WholeFileInputFormat", "InputFormatModelOperations", "ImageInputFormat", "Saver"),
    *("DefaultSaver", "TensorValue", "TensorValueBuilder", "TensorName", "TensorInjections"),
    *("Arrays", "ByteStrings", "Rank", "TypedTensor", "Tensors", "Graphs", "Sessions"),
    *("ExampleBuilder", "GraphUtils", "TFUtils", "RegistrationUtils", "GraphBuilder"),
    *("ImageNormalization", "InceptionModel", "Inception", "Johnny"),
)


def rows() -> list[tuple[str, str, str]]:
    lines = [line for line in PAGE.read_text().splitlines() if line.startswith("| ")]
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]
    return [(seed, ours, proof) for seed, ours, proof in cells if not seed.startswith("**")]


@pytest.mark.parametrize("name", SEED)
def test_every_class_has_its_place(name: str) -> None:
    assert re.search(rf"`{re.escape(name)}\b", PAGE.read_text())


@pytest.mark.parametrize("row", [pytest.param(row, id=row[0]) for row in rows()])
def test_what_a_row_names_exists(row: tuple[str, str, str]) -> None:
    _, ours, proof = row
    for name in re.findall(r"`ms\.(\w+)`", ours):
        assert name in modelstream.__all__
    for module, name in re.findall(r"`(modelstream\.[\w.]+)\.(\w+)`", ours):
        assert defined(module, name), f"{module}.{name}"
    tests = re.findall(r"\[([^\]]+)\]\(\.\./([^)]+)\)", proof)
    assert tests
    for words, file in tests:
        name = f"test_{words.replace(' ', '_')}"
        assert f"def {name}(" in (ROOT / file).read_text() or Path(file).stem == name


def defined(module: str, name: str) -> bool:
    """Whether the module has it, or it is a module itself; without importing it."""
    base = ROOT / "runtime" / module.replace(".", "/")
    if (base / f"{name}.py").is_file():
        return True
    source = base.with_suffix(".py") if base.with_suffix(".py").is_file() else base / "__init__.py"
    return re.search(rf"^(class|def) {name}\b", source.read_text(), re.MULTILINE) is not None
