import json
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field

import pytest
from tests.unit.pod.conftest import saved_model

from modelstream.errors import BrokenModelError, ModelLoadError, ModelNotFoundError
from modelstream.models import SavedModel
from modelstream.pod import preload
from modelstream_crds import manifest

PIPELINE = {
    "source": {"connector": "datagen", "schema": [{"name": "x", "type": "FLOAT"}]},
    "inference": {"model": "fraud"},
    "sink": {"connector": "print"},
}


@dataclass
class InMemory:
    """A model that TensorFlow would open, without TensorFlow."""

    signatures: dict
    fails: str = ""
    calls: list = field(default_factory=list)
    is_open: bool = False
    error: type[Exception] = ValueError

    def call(self, signature, inputs):
        self.calls.append((signature, len(inputs["x"])))
        if self.fails:
            raise self.error(self.fails)
        return {}

    @contextmanager
    def open(self):
        self.is_open = True
        yield self
        self.is_open = False


@pytest.fixture
def declared(pod):
    def declare(*signatures, **spec):
        saved_model(pod.paths.models / "fraud", *signatures)
        pod.manifest(**spec)
        return list(preload.declared(manifest.load(pod.paths.manifest), pod.paths.models))

    return declare


def opened(declared_model, monkeypatch, fails="", error=ValueError):
    model = InMemory(declared_model.model.signatures, fails, error=error)
    monkeypatch.setattr(SavedModel, "open", lambda _: model.open())
    return model


def test_every_signature_is_called_once(declared, monkeypatch):
    (each,) = declared("a", "b")
    model = opened(each, monkeypatch)
    with ExitStack() as keep:
        done = preload.load(each, keep)

    assert sorted(model.calls) == [("a", 1), ("b", 1)]
    assert done.warm_up_seconds is not None


def test_the_signature_of_a_pipeline_is_warmed_in_its_batch_sizes(declared, monkeypatch):
    inference = {"model": "fraud", "batch": {"maxSize": 8, "allowedSizes": [2, 8]}}
    (each,) = declared(sql=None, pipeline={**PIPELINE, "inference": inference})
    model = opened(each, monkeypatch)
    with ExitStack() as keep:
        preload.load(each, keep)

    assert model.calls == [("serving_default", 2), ("serving_default", 8)]


def test_a_pipeline_is_warmed_with_its_constants(pod, monkeypatch):
    saved_model(pod.paths.models / "fraud", inputs={"x": (-1,), "keep": (), "low": (-1,)})
    inference = {"model": "fraud", "constants": {"keep": 0.5, "low": 3.0}, "batch": {"maxSize": 2}}
    pod.manifest(sql=None, pipeline={**PIPELINE, "inference": inference})
    (each,) = preload.declared(manifest.load(pod.paths.manifest), pod.paths.models)
    given = []
    model = opened(each, monkeypatch)
    model.call = lambda signature, inputs: given.append({k: v.tolist() for k, v in inputs.items()})
    with ExitStack() as keep:
        preload.load(each, keep)

    one, two = given
    assert one == {"x": [0.0], "keep": 0.5, "low": [3.0]}
    assert two == {"x": [0.0, 0.0], "keep": 0.5, "low": [3.0, 3.0]}


def test_a_model_that_is_not_to_be_warmed_is_only_loaded(declared, monkeypatch):
    (each,) = declared(models=[{"name": "fraud", "uri": "pvc://models/fraud", "warmUp": False}])
    model = opened(each, monkeypatch)
    with ExitStack() as keep:
        done = preload.load(each, keep)

    assert model.calls == []
    assert done.warm_up_seconds is None


def test_a_model_that_refuses_made_up_input_is_loaded_and_says_so(declared, monkeypatch):
    (each,) = declared()
    opened(each, monkeypatch, fails="not an Example")
    with ExitStack() as keep:
        done = preload.load(each, keep)

    assert done.refused == "not an Example"
    assert done.warm_up_seconds is None


def test_a_model_stays_open_until_the_process_lets_it_go(declared, monkeypatch):
    (each,) = declared()
    model = opened(each, monkeypatch)
    with ExitStack() as keep:
        preload.load(each, keep)
        assert model.is_open

    assert not model.is_open


def test_a_ready_file_stands_for_each_model_and_one_for_all(declared, pod, monkeypatch):
    (each,) = declared()
    opened(each, monkeypatch)
    preload.load_all(manifest.load(pod.paths.manifest), pod.paths.models, pod.paths.ready)

    assert json.loads((pod.paths.ready / "fraud.json").read_text())["model"] == "fraud"
    assert (pod.paths.ready / preload.COMPLETE).exists()


def test_what_an_earlier_container_wrote_does_not_count(declared, pod, monkeypatch):
    declared()
    pod.paths.ready.mkdir(parents=True)
    (pod.paths.ready / preload.COMPLETE).touch()

    def refuse(_):
        raise ModelLoadError("no such op")

    monkeypatch.setattr(SavedModel, "open", refuse)
    with pytest.raises(ModelLoadError):
        preload.load_all(manifest.load(pod.paths.manifest), pod.paths.models, pod.paths.ready)

    assert not (pod.paths.ready / preload.COMPLETE).exists()


def test_a_model_that_is_not_mounted_is_told_before_tensorflow_is_asked(pod):
    with pytest.raises(ModelNotFoundError):
        preload.load_all(manifest.load(pod.paths.manifest), pod.paths.models, pod.paths.ready)


def test_a_pod_whose_program_brings_its_models_is_ready_after_a_look_at_its_gpus(pod):
    pod.manifest(models=[], sql=None, python={"script": "/app/learn.py"})
    looked = []
    spec = manifest.load(pod.paths.manifest)
    preload.load_all(spec, pod.paths.models, pod.paths.ready, lambda: looked.append(True))

    assert looked == [True]
    assert [each.name for each in pod.paths.ready.iterdir()] == [preload.COMPLETE]


def test_a_model_that_cannot_work_is_not_ready(declared, monkeypatch):
    (each,) = declared("serving_default")
    opened(each, monkeypatch, "w has no value", BrokenModelError)
    with ExitStack() as keep, pytest.raises(BrokenModelError, match="w has no value"):
        preload.load(each, keep)
