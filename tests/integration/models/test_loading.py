"""Real TensorFlow, real models: what is loaded, how often, and what is left behind."""

import logging
import re
import shutil
import subprocess
import sys
import tempfile
from concurrent.futures import ThreadPoolExecutor
from threading import Barrier

import numpy as np
import pytest
from tests.support import models

from modelstream.errors import ModelLoadError, SignatureMismatchError, SignatureNotFoundError
from modelstream.models import (
    DEFAULT_SIGNATURE,
    Layout,
    SavedModel,
    TensorFlowOptions,
    saved_model,
    warm_up,
)
from modelstream.models.loaded import load, tensorflow_loaders

EVERY_MODEL = [
    models.guesslang,
    models.basic_pitch,
    models.mlp,
    models.shout,
    models.total,
    models.words,
    models.pair,
    models.picky,
    models.fixed_batch,
    models.keras3,
    models.versions,
    models.half_plus_two,
]


@pytest.fixture
def scratch(monkeypatch, tmp_path):
    """Where temporary directories go during the test, except those of exported models."""
    models.half_plus_two()
    directory = tmp_path / "scratch"
    directory.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(directory))
    return directory


@pytest.mark.parametrize("path", EVERY_MODEL, ids=lambda path: path.__name__)
def test_every_model_loads_and_takes_a_warm_up(path):
    with SavedModel(path()).open() as model:
        warm_up(model, DEFAULT_SIGNATURE, [1, 4])


@pytest.mark.parametrize("path", EVERY_MODEL, ids=lambda path: path.__name__)
def test_signatures_are_what_tensorflow_reads(path):
    from tensorflow.core.protobuf import saved_model_pb2

    model = SavedModel(path())
    theirs = saved_model_pb2.SavedModel.FromString((model.path / "saved_model.pb").read_bytes())
    definitions = dict(theirs.meta_graphs[0].signature_def)
    definitions.pop("__saved_model_init_op", None)
    assert definitions.keys() == model.signatures.keys()
    for name, signature in model.signatures.items():
        assert definitions[name].method_name == signature.method_name
        assert_same(signature.inputs, definitions[name].inputs)
        assert_same(signature.outputs, definitions[name].outputs)


def assert_same(specs, infos):
    import tensorflow as tf

    assert specs.keys() == infos.keys()
    for name, info in infos.items():
        assert (specs[name].layout is Layout.RAGGED) == info.HasField("composite_tensor")
        if specs[name].layout is Layout.DENSE:
            shape = tf.TensorShape(info.tensor_shape)
            assert specs[name].dtype == tf.as_dtype(info.dtype).name
            assert specs[name].shape == (None if shape.rank is None else tuple(shape))


def test_signatures_are_read_before_tensorflow_is_imported_and_after():
    code = (
        "import sys\n"
        "from modelstream.convert import example, parse_example\n"
        "from modelstream.models import SavedModel\n"
        "before = SavedModel(sys.argv[1]).signatures\n"
        "serialized = example(x=1.0)\n"
        "assert 'tensorflow' not in sys.modules\n"
        "import tensorflow as tf\n"
        "tf.train.Example.FromString(serialized)\n"
        "tf.saved_model.load(sys.argv[1])\n"
        "assert SavedModel(sys.argv[1]).signatures == before\n"
    )
    command = [sys.executable, "-c", code, str(models.mlp())]
    done = subprocess.run(command, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_one_load_a_process_however_many_open_it(monkeypatch):
    path = models.mlp()  # not by all threads at once
    loads, barrier = [], Barrier(4)

    def counted(*arguments):
        loads.append(arguments)
        return load(*arguments)

    monkeypatch.setattr(saved_model, "load", counted)

    def use():
        with SavedModel(path).open() as model:
            barrier.wait(timeout=180)
            return model.predict(x=np.ones((2, 16)))["y"].tolist()

    with ThreadPoolExecutor(4) as pool:
        results = list(pool.map(lambda _: use(), range(4)))
    assert len(loads) == 1
    assert all(result == results[0] for result in results)


def test_other_options_are_another_copy():
    model = SavedModel(models.shout())
    with model.open() as one, model.open(TensorFlowOptions(intra_op=1, inter_op=1)) as other:
        assert one is not other
        assert other.predict(text=["a"])["loud"].tolist() == [b"A"]


def test_both_loaders_give_the_same():
    model = SavedModel(models.mlp())
    x = np.random.default_rng(1).random((8, 16), np.float32)
    results = []
    for title, loader in tensorflow_loaders().items():
        loaded = load(model.path, model.tags, TensorFlowOptions(), lambda t=title, f=loader: {t: f})
        results.append(loaded.call(DEFAULT_SIGNATURE, {"x": x})["y"])
        loaded.close()
    np.testing.assert_allclose(*results, rtol=1e-5)


def test_the_v2_loader_takes_over_what_the_v1_loader_refuses(caplog):
    def loaders():
        return {"v1 session loader": refuse, "v2 loader": tensorflow_loaders()["v2 loader"]}

    def refuse(*_):
        raise ValueError("not for me")

    model = SavedModel(models.words())
    with caplog.at_level(logging.INFO, "modelstream"):
        loaded = load(model.path, model.tags, TensorFlowOptions(), loaders)
    assert "the v1 session loader refuses" in caplog.text
    assert loaded.predict(text=["a b", ""])["words"].tolist() == [[b"a", b"b"], []]
    loaded.close()


@pytest.mark.parametrize("how", ["whole", "wrapped", "called"])
def test_a_keras_3_model_that_tensorflow_saved_has_its_variables(how):
    import tensorflow as tf

    path = models.keras3_saved() / how
    words = np.array([[b"cat"], [b"eel"]], object)
    plain = tf.saved_model.load(str(path)).signatures[DEFAULT_SIGNATURE]
    (tensor,) = plain.structured_input_signature[1]
    (wanted,) = plain(**{tensor: tf.constant(words)}).values()
    with SavedModel(path).open() as model:
        (found,) = model.predict(**{tensor: words}).values()
    np.testing.assert_allclose(found, wanted, rtol=1e-6)


def test_the_v2_loader_alone_would_refuse_basic_pitch():
    path = models.basic_pitch()
    only = {"v2 loader": tensorflow_loaders()["v2 loader"]}
    with pytest.raises(ModelLoadError, match="add_slot"):
        load(path, ("serve",), TensorFlowOptions(), lambda: only)


def test_one_error_lists_what_each_loader_said(tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(models.mlp(), broken)
    shutil.rmtree(broken / "variables")
    with pytest.raises(ModelLoadError) as caught, SavedModel(broken).open():
        pass
    message = str(caught.value)
    assert f"{broken}: {broken}/variables lacks files: was it copied completely?" in message
    assert "\n  v1 session loader: " in message
    assert "\n  v2 loader: " in message


@pytest.mark.parametrize("file", ["variables.index", "variables.data-00000-of-00001"])
@pytest.mark.parametrize("left", [pytest.param(0, id="empty"), pytest.param(0.5, id="half")])
def test_variables_that_are_cut_are_told_with_their_directory(tmp_path, file, left):
    broken = tmp_path / "broken"
    shutil.copytree(models.mlp(), broken)
    cut = broken / "variables" / file
    cut.write_bytes(cut.read_bytes()[: int(cut.stat().st_size * left)])
    wanted = f"{broken}/variables has files that are cut: was it copied completely?"
    with pytest.raises(ModelLoadError, match=re.escape(wanted)), SavedModel(broken).open():
        pass


def test_a_model_that_failed_to_load_opens_once_it_is_whole(tmp_path):
    path = tmp_path / "model"
    shutil.copytree(models.mlp(), path)
    (path / "variables").rename(tmp_path / "away")
    model = SavedModel(path)
    with pytest.raises(ModelLoadError), model.open():
        pass
    (tmp_path / "away").rename(path / "variables")
    with model.open() as opened:
        assert opened.predict(x=np.zeros((1, 16)))["y"].shape == (1, 1)


def test_the_copy_with_a_readable_version_lives_as_long_as_the_model(scratch):
    with SavedModel(models.half_plus_two()).open() as model:
        (copy,) = scratch.iterdir()
        assert (copy / "variables").is_symlink()
        warm_up(model, DEFAULT_SIGNATURE)
    assert list(scratch.iterdir()) == []


def test_the_copy_goes_when_no_loader_takes_the_model(scratch, tmp_path):
    broken = tmp_path / "broken"
    shutil.copytree(models.half_plus_two(), broken)
    shutil.rmtree(broken / "variables")
    with pytest.raises(ModelLoadError), SavedModel(broken).open():
        pass
    assert list(scratch.iterdir()) == []


def test_a_sparse_signature_is_refused_when_it_is_called_not_when_the_model_loads():
    refused = pytest.raises(SignatureMismatchError, match="sparse tensors, which are not")
    with SavedModel(models.sparse()).open() as model, refused:
        model.call(DEFAULT_SIGNATURE, {"ids": np.zeros((1, 8), np.float32)})


@pytest.mark.parametrize(
    ("inputs", "words"),
    [
        pytest.param({"a": [1.0]}, "takes 'a', 'b'; missing: 'b'", id="missing"),
        pytest.param({"a": [1.0], "b": [[1, 2]], "c": [1]}, "has no input 'c'", id="extra"),
    ],
)
def test_a_call_with_other_tensors_names_those_of_the_signature(inputs, words):
    refused = pytest.raises(SignatureMismatchError, match=words)
    with SavedModel(models.pair()).open() as model, refused:
        model.predict(**inputs)


def test_threads_share_a_model():
    x = np.random.default_rng(1).random((64, 16), np.float32)
    with SavedModel(models.mlp()).open() as model, ThreadPoolExecutor(4) as pool:
        expected = model.call(DEFAULT_SIGNATURE, {"x": x})["y"]
        calls = pool.map(lambda _: model.call(DEFAULT_SIGNATURE, {"x": x})["y"], range(100))
        for result in calls:
            np.testing.assert_allclose(result, expected, rtol=1e-6)


def test_the_options_reach_the_session():
    from modelstream.models.session_engine import _config

    config = _config(TensorFlowOptions(intra_op=2, inter_op=3, memory_growth=False))
    assert config.intra_op_parallelism_threads == 2
    assert config.inter_op_parallelism_threads == 3
    assert not config.gpu_options.allow_growth
    assert _config(TensorFlowOptions()).intra_op_parallelism_threads == 0


def test_a_limit_of_gpu_memory_takes_the_place_of_growth():
    from modelstream.models.session_engine import _config

    gpu = _config(TensorFlowOptions(memory_limit=2048)).gpu_options
    (device,) = gpu.experimental.virtual_devices
    assert list(device.memory_limit_mb) == [2048]
    assert not gpu.allow_growth


def test_an_open_model_says_which_of_its_versions_lacks_a_signature():
    with (
        SavedModel(models.versions(), name="loud").open() as opened,
        pytest.raises(SignatureNotFoundError, match=r"model '.*/versions/10' has no signature"),
    ):
        opened.predict("quiet", text=["a"])
