from pathlib import Path
from typing import Any

from tests.support.numpymodel import NumpyModel

from modelstream.convert import Fit, Image
from modelstream.job.pipeline import method
from modelstream.models import Predict
from modelstream_crds.v1alpha1 import Inference


def inputs(**inference: Any) -> Any:
    spec = Inference.model_validate({"model": "double", **inference})
    found = method(NumpyModel(), spec, Path())
    assert isinstance(found, Predict)
    return found.inputs


def test_without_images_the_columns_are_the_inputs() -> None:
    assert inputs(inputs={"x": "features"}) == {"x": "features"}
    assert inputs() is None


def test_an_image_reads_the_column_of_its_tensor() -> None:
    assert inputs(inputs={"x": "photo"}, images={"x": {}}) == {"x": Image("photo")}
    assert inputs(images={"x": {}}) == {"x": Image("x")}


def test_the_options_of_an_image_are_those_of_the_manifest() -> None:
    options = {"height": 8, "width": 9, "fit": "Pad", "mean": [1, 2, 3], "std": [255]}
    expected = Image("x", size=(8, 9), fit=Fit.PAD, mean=(1, 2, 3), std=255)
    assert inputs(images={"x": options}) == {"x": expected}
