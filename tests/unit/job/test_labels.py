"""Labels of classes: a file beside the model."""

import pytest
from tests.support.graphs import DENSE

from modelstream.errors import JobError
from modelstream.job import pipeline
from modelstream.job.models import model_at, read_labels
from modelstream.models import Classify
from modelstream_crds.v1alpha1 import Inference, Model


@pytest.fixture
def directory(tmp_path):
    (tmp_path / "graph.pb").write_bytes(DENSE)
    (tmp_path / "labels.txt").write_text("cat\n dog \nelk\n\n")
    return tmp_path


def test_labels_are_read_beside_the_file_of_the_model(directory):
    assert read_labels(directory, "labels.txt") == ("cat", "dog", "elk")
    assert read_labels(directory / "graph.pb", "labels.txt") == ("cat", "dog", "elk")


def test_a_missing_file_tells_what_is_there(directory):
    with pytest.raises(JobError, match=r"no file 'labels'; it has graph\.pb, labels\.txt"):
        read_labels(directory, "labels")


def test_an_empty_or_binary_file_is_refused(directory):
    (directory / "labels.txt").write_text("\n")
    with pytest.raises(JobError, match="is empty: write one label a line"):
        read_labels(directory, "labels.txt")
    (directory / "labels.txt").write_bytes(b"\xff\xff")
    with pytest.raises(JobError, match="cannot be read"):
        read_labels(directory, "labels.txt")


def test_a_manifest_classifies_a_graph_by_the_labels_in_its_directory(directory):
    tensors = {
        "inputs": [{"name": "x", "tensor": "x", "shape": [-1, 4]}],
        "outputs": [{"name": "scores", "tensor": "probabilities"}],
    }
    spec = {"name": "pets", "uri": "pvc://m", "format": "GraphDef", "signatures": [tensors]}
    model = model_at(directory, Model.model_validate(spec))
    asked = {"model": "pets", "method": "Classify", "classify": {"labels": "labels.txt"}}
    method = pipeline.method(model, Inference.model_validate(asked), directory)
    assert method == Classify("serving_default", labels=("cat", "dog", "elk"))
    assert str(method.bind(model).signature.inputs["x"]) == "float32[?, 4]"
