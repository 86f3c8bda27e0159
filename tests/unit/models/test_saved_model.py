import pickle
import subprocess
import sys

import pytest
from google.protobuf import text_format

from modelstream.convert.protos import message
from modelstream.errors import (
    ModelFormatError,
    ModelNotFoundError,
    SignatureNotFoundError,
    TagsNotFoundError,
)
from modelstream.models import Layout, Predict, SavedModel, TensorSpec
from modelstream.scoring.plan import default_method

X = {"x": ("float32", (None, 16))}
Y = {"y": ("float32", (None, 1))}
ONE = {("serve",): {"serving_default": (X, Y)}}


def test_signatures_tell_names_dtypes_shapes_and_methods(write_model):
    (signature,) = SavedModel(write_model(ONE)).signatures.values()
    assert signature.name == "serving_default"
    assert signature.method_name == "tensorflow/serving/predict"
    assert signature.inputs == {"x": TensorSpec("float32", (None, 16), "x")}
    assert signature.outputs == {"y": TensorSpec("float32", (None, 1), "y")}
    assert str(signature) == "serving_default(x: float32[?, 16]) -> (y: float32[?, 1])"


def test_unknown_rank_is_not_a_scalar(model_with):
    model = model_with({"x": ("string", None)}, {"y": ("string", ())})
    signature = model.signatures["serving_default"]
    assert signature.inputs["x"].shape is None
    assert signature.outputs["y"].shape == ()


def test_reference_dtypes_of_tf1_variables_are_their_dtypes(write_model):
    path = write_model(ONE)
    saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    saved_model.meta_graphs[0].signature_def["serving_default"].outputs["y"].dtype = 101
    (path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    assert SavedModel(path).signatures["serving_default"].outputs["y"].dtype == "float32"


def test_the_init_op_is_no_signature(write_model):
    graph = {"__saved_model_init_op": ({}, {"op": ("invalid", None)}), "f": (X, Y)}
    assert list(SavedModel(write_model({("serve",): graph})).signatures) == ["f"]


def test_sparse_tensors_are_told(write_model):
    path = write_model(ONE)
    saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    info = saved_model.meta_graphs[0].signature_def["serving_default"].inputs["x"]
    info.coo_sparse.values_tensor_name = "values:0"
    (path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    spec = SavedModel(path).signatures["serving_default"].inputs["x"]
    assert spec.layout is Layout.SPARSE


def test_the_text_form_is_read_too(write_model):
    path = write_model(ONE)
    saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    text = text_format.MessageToString(saved_model)
    (path / "saved_model.pbtxt").write_text(f"{text}\nsomething_new {{ a: 1 }}\n")
    (path / "saved_model.pb").unlink()
    assert SavedModel(path).signatures["serving_default"].inputs["x"].dtype == "float32"


def test_the_highest_version_is_taken_by_number(write_model, tmp_path):
    for version in ("9", "10", "007"):
        write_model(ONE, f"base/{version}")
    (tmp_path / "base" / "11").mkdir()
    model = SavedModel(tmp_path / "base")
    assert (model.version, model.name) == (10, "base")
    assert SavedModel(tmp_path / "base", version=7).path.name == "007"


def test_a_missing_version_names_those_that_exist(write_model, tmp_path):
    for version in ("2", "10"):
        write_model(ONE, f"base/{version}")
    with pytest.raises(ModelNotFoundError, match="no version 3; it has the versions 2, 10"):
        SavedModel(tmp_path / "base", version=3)


def test_a_version_of_a_model_without_versions_is_refused(write_model):
    with pytest.raises(ModelNotFoundError, match="leave version=1 out"):
        SavedModel(write_model(ONE), version=1)


def test_no_directory(tmp_path):
    with pytest.raises(ModelNotFoundError, match="there is no directory"):
        SavedModel(tmp_path / "nothing")


def test_a_directory_without_a_model_lists_what_it_has(tmp_path):
    (tmp_path / "weights").mkdir()
    (tmp_path / "model.onnx").write_text("")
    with pytest.raises(ModelNotFoundError, match=r"it holds model\.onnx, weights/"):
        SavedModel(tmp_path)


def test_an_empty_directory_says_so(tmp_path):
    with pytest.raises(ModelNotFoundError, match="it is empty"):
        SavedModel(tmp_path)


def test_a_file_is_answered_with_its_directory(write_model):
    with pytest.raises(ModelNotFoundError, match="give the directory"):
        SavedModel(write_model(ONE) / "saved_model.pb")


def test_a_split_model_is_told(tmp_path):
    (tmp_path / "saved_model.cpb").write_bytes(b"")
    with pytest.raises(ModelFormatError, match="split SavedModel"):
        SavedModel(tmp_path)


@pytest.mark.parametrize(
    "content",
    [
        pytest.param(b"\x12\xff\xff\xff\x7f not a protobuf", id="garbage"),
        pytest.param(b"", id="empty"),
        pytest.param(b"<html>404</html>", id="a-web-page"),
        pytest.param(b"version https://git-lfs.github.com/spec/v1\n", id="git-lfs-pointer"),
    ],
)
def test_a_corrupt_file_is_told_with_its_size(tmp_path, content):
    (tmp_path / "saved_model.pb").write_bytes(content)
    with pytest.raises(ModelFormatError, match=f"{len(content)} bytes"):
        SavedModel(tmp_path)


def test_every_truncation_is_an_error_or_a_model(write_model):
    path = write_model(ONE) / "saved_model.pb"
    whole = path.read_bytes()
    for size in range(len(whole)):
        path.write_bytes(whole[:size])
        with pytest.raises(ModelFormatError):
            SavedModel(path.parent)


def test_wrong_tags_say_which_exist(write_model):
    path = write_model({("serve",): {}, ("serve", "gpu"): {}})
    with pytest.raises(TagsNotFoundError, match=r"\{train\}; it has \{serve\} or \{gpu, serve\}"):
        SavedModel(path, tags=("train",))


def test_a_model_without_signatures_says_how_to_export_one(write_model):
    model = SavedModel(write_model({("serve",): {}}))
    with pytest.raises(SignatureNotFoundError, match=r"has none: export it with tf\.saved_model"):
        default_method(model)


def test_of_several_signatures_the_one_that_is_meant_has_to_be_named(write_model):
    model = SavedModel(write_model({("serve",): {"encode": (X, Y), "decode": (X, Y)}}))
    with pytest.raises(SignatureNotFoundError, match="it has 'decode', 'encode'"):
        default_method(model)
    assert Predict("encode").bind(model).signature.name == "encode"
    with pytest.raises(SignatureNotFoundError, match=r"did you mean 'encode'"):
        Predict("encoder").bind(model)


@pytest.mark.parametrize("name", ["²", "\u0661", "1.0", "v1", "1_0", "+1"])
def test_a_directory_whose_name_only_looks_like_a_number_is_no_version(write_model, name):
    path = write_model(ONE, f"base/{name}")
    assert SavedModel(path).version is None
    with pytest.raises(ModelNotFoundError, match=r"no saved_model\.pb"):
        SavedModel(path.parent)
    write_model(ONE, "base/1")
    assert SavedModel(path.parent).version == 1


def test_tags_choose_the_meta_graph(write_model):
    path = write_model({("serve",): {"a": (X, Y)}, ("serve", "gpu"): {"b": (X, Y)}})
    assert list(SavedModel(path, tags=["gpu", "serve"]).signatures) == ["b"]
    assert list(SavedModel(path, tags="serve").signatures) == ["a"]


def test_a_pickled_model_keeps_its_version_though_a_newer_one_appears(write_model, tmp_path):
    write_model(ONE, "base/1")
    pickled = pickle.dumps(SavedModel(tmp_path / "base"))
    write_model(ONE, "base/2")
    assert pickle.loads(pickled).version == 1


def test_models_are_equal_by_path_version_and_tags(write_model, tmp_path):
    path = write_model(ONE)
    assert SavedModel(path) == SavedModel(str(path), name="other")
    assert len({SavedModel(path), SavedModel(path)}) == 1
    assert SavedModel(path) != SavedModel(write_model(ONE, "copy"))


def test_a_model_has_the_name_that_it_is_given(write_model):
    path = write_model(ONE)
    assert SavedModel(path).name == "model"
    assert SavedModel(path, name="fraud").name == "fraud"


def test_importing_models_and_converters_loads_neither_tensorflow_nor_flink():
    code = (
        "import sys, modelstream.models, modelstream.convert\n"
        "heavy = {'tensorflow', 'pyflink', 'apache_beam', 'pandas', 'keras'} & set(sys.modules)\n"
        "sys.exit(', '.join(heavy) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("version", [None, 1])
def test_two_directories_of_one_version_are_refused(write_model, version):
    graphs = {("serve",): {"serving_default": (X, Y)}}
    for name in ("1", "01"):
        write_model(graphs, f"both/{name}")
    path = write_model(graphs, "both/001").parent
    with pytest.raises(ModelNotFoundError, match=r"001 and 01 and 1, which are all version 1"):
        SavedModel(path, version=version)
    write_model(graphs, "both/2")
    assert SavedModel(path).version == 2
