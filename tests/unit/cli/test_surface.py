import re
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path
from typing import Any

import pytest

import modelstream

SURFACE = [
    "AfterMatch",
    "Batch",
    "CallableModel",
    "Classify",
    "Constant",
    "DEAD_LETTER_COLUMNS",
    "DeadLetter",
    "Drop",
    "Fail",
    "Failure",
    "Fit",
    "GraphDefModel",
    "GraphSignature",
    "GraphTensor",
    "HiddenState",
    "Image",
    "Inferred",
    "KerasModel",
    "Layout",
    "Learned",
    "Match",
    "ModelAllWindowFunction",
    "ModelAsyncFunction",
    "ModelAwareFunction",
    "ModelBroadcastProcessFunction",
    "ModelCoFlatMapFunction",
    "ModelCoMapFunction",
    "ModelCoProcessFunction",
    "ModelFilterFunction",
    "ModelFlatMapFunction",
    "ModelHandle",
    "ModelKeyedBroadcastProcessFunction",
    "ModelKeyedCoProcessFunction",
    "ModelKeyedProcessFunction",
    "ModelMapFunction",
    "ModelProcessAllWindowFunction",
    "ModelProcessFunction",
    "ModelProcessWindowFunction",
    "ModelStreamError",
    "ModelWindowFunction",
    "Null",
    "OnlineModel",
    "Pattern",
    "Predict",
    "RaggedValue",
    "RecurrentModel",
    "Regress",
    "Route",
    "SavedModel",
    "Saver",
    "Signature",
    "Stage",
    "TensorColumn",
    "TensorFlowOptions",
    "TensorSpec",
    "TensorValue",
    "TimedOut",
    "UnscorableError",
    "async_with_model",
    "configure",
    "dead_letters",
    "decode_weights",
    "detect",
    "errors",
    "example",
    "export",
    "filter_with_model",
    "flat_map_with_model",
    "infer",
    "infer_with_state",
    "infer_with_weights",
    "learn",
    "map_batches_with_model",
    "map_with_model",
    "model",
    "parse_example",
    "process_with_model",
    "register",
    "register_type",
    "to_ragged",
    "to_tensor",
    "to_values",
    "unregister_type",
]


def test_the_public_surface_is_what_it_is() -> None:
    assert modelstream.__all__ == SURFACE == dir(modelstream)


def test_type_checkers_know_the_names_that_there_are() -> None:
    source = Path(modelstream.__file__).read_text()
    stated = re.findall(r"import (?:\(\s*)?(\w+) as (\w+)", source)
    assert sorted(name for name, also in stated if name == also) == modelstream.__all__


def test_the_version_is_the_distribution_s() -> None:
    assert modelstream.__version__ == version("modelstream")


def test_errors_are_there_at_once() -> None:
    code = "import modelstream as ms; print(ms.errors.ModelError.__name__)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr) == ("ModelError", "")


@pytest.mark.parametrize("name", SURFACE)
def test_every_public_name_is_there_and_documented(name: str) -> None:
    assert getattr(modelstream, name).__doc__


def test_a_name_that_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        _ = modelstream.nothing


@pytest.mark.parametrize("uses", ["", "modelstream.SavedModel, modelstream.Classify"])
def test_models_and_methods_need_neither_tensorflow_nor_flink(uses: str) -> None:
    code = (
        f"import sys, modelstream; {uses}\n"
        "sys.exit(', '.join({'tensorflow', 'pyflink', 'pandas'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_the_command_line_starts_without_them_too() -> None:
    code = (
        "import sys, modelstream.cli\n"
        "sys.exit(', '.join({'tensorflow', 'pyflink', 'pandas', 'numpy'} & set(sys.modules)))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert done.stderr.strip() == ""


def test_a_model_outside_of_a_job_is_told_how_to_open(monkeypatch: pytest.MonkeyPatch) -> None:
    from modelstream.errors import JobError
    from modelstream.models import running

    monkeypatch.setattr(running, "_models", None)  # of a job that ran in this process before
    with pytest.raises(JobError, match="no job is running"):
        modelstream.model("fraud")


@pytest.mark.parametrize(
    ("listed", "message"),
    [
        pytest.param({"ham": "spam", "eggs": "spam"}, "spec.models lists eggs, ham", id="others"),
        pytest.param({}, "spec.models is empty", id="none"),
    ],
)
def test_a_model_that_the_manifest_does_not_list_is_told_beside_those_that_it_does(
    listed: dict[str, Any], message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    from modelstream.errors import JobError
    from modelstream.models import running

    monkeypatch.setattr(running, "_models", listed)
    with pytest.raises(JobError, match=f"no model 'fraud'; {message}"):
        modelstream.model("fraud")


@pytest.mark.parametrize(
    "package",
    [
        *("convert", "flink", "job", "job.decode", "models", "online", "patterns", "recurrent"),
        "scoring",
    ],
)
def test_a_package_whose_modules_pickles_name_imports_none_of_them_by_itself(package: str) -> None:
    """Else two workers' threads that begin with two of them wait for each other."""
    code = (
        f"import pkgutil, sys, modelstream.{package} as package\n"
        f"print(*(each for each in sys.modules if each.startswith(package.__name__ + '.')))\n"
        "names = getattr(package, '__all__', [])\n"
        "for name in names:\n    getattr(package, name)\n"
        "assert not {each.name for each in pkgutil.iter_modules(package.__path__)} & set(names)\n"
        "assert set(names) == set(getattr(package, '_HOMES', ()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.stdout.strip(), done.stderr.strip()) == ("", "")
