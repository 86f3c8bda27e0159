"""The life of a function with models: no Flink, no TensorFlow."""

from pathlib import Path
from typing import Any

import pytest
from tests.support.loggedmodel import LoggedModel
from tests.support.numpymodel import NumpyModel

from modelstream.errors import OptionError, UnscorableError
from modelstream.flink.classes import ModelAwareFunction
from modelstream.models import TensorFlowOptions


class Context:
    """Flink's runtime context, with metrics switched off."""

    def get_metrics_group(self) -> None:
        return None


class Base:
    """Stands where Flink's class does."""

    def __init__(self) -> None:
        self.events: list[str] = []

    def open(self, runtime_context: Any) -> None:
        self.events.append("open")

    def close(self) -> None:
        self.events.append("close")


class Function(ModelAwareFunction, Base):
    pass


def events(log: Path) -> list[str]:
    return [line.split()[0] for line in log.read_text().splitlines()] if log.exists() else []


def test_it_opens_and_closes_its_models_around_the_class_beside_it(tmp_path: Path) -> None:
    function = Function(LoggedModel(log=tmp_path / "log"))
    function.open(Context())
    assert function.events == ["open"]
    assert function.model.score(2.0) == {"y": 4.0}
    function.close()
    assert function.events == ["open", "close"]
    assert events(tmp_path / "log") == ["load", "close"]


def test_functions_of_one_process_share_a_model_until_the_last_closes(tmp_path: Path) -> None:
    log = tmp_path / "log"
    first, second = (Function(LoggedModel(log=log)) for _ in range(2))
    first.open(Context())
    second.open(Context())
    first.close()
    assert events(log) == ["load"]
    assert second.model.score(1.0) == {"y": 2.0}
    second.close()
    assert events(log) == ["load", "close"]


def test_a_model_is_given_back_when_the_function_fails_to_open(tmp_path: Path) -> None:
    class Refusing(Base):
        def open(self, runtime_context: Any) -> None:
            raise ValueError("no")

    class Unopened(ModelAwareFunction, Refusing):
        pass

    function = Unopened(LoggedModel(log=tmp_path / "log"))
    with pytest.raises(ValueError, match="no"):
        function.open(Context())
    assert events(tmp_path / "log") == ["load", "close"]


def test_a_function_that_never_opened_can_be_closed() -> None:
    function = Function(NumpyModel())
    function.close()
    assert function.events == ["close"]


def test_several_models_are_known_by_name() -> None:
    function = Function(NumpyModel(), NumpyModel(name="other"))
    function.open(Context())
    assert list(function.models) == ["double", "other"]
    with pytest.raises(OptionError, match=r"has the models 'double', 'other': say which"):
        _ = function.model
    function.close()


@pytest.mark.parametrize(
    ("models", "message"),
    [
        pytest.param((), "it has none", id="none"),
        pytest.param((NumpyModel(), NumpyModel()), "'double', 'double'", id="same-name"),
        pytest.param(
            ([NumpyModel(), NumpyModel(name="b")],),
            r"\(list\): give the models one by one, Function\(a, b\)",
            id="a-list",
        ),
        pytest.param(
            (NumpyModel(), "fraud/1"),
            r"'fraud/1' \(str\): give SavedModel\('fraud/1'\)",
            id="a-path",
        ),
    ],
)
def test_it_takes_models_with_different_names(models: Any, message: str) -> None:
    with pytest.raises(OptionError, match=message):
        Function(*models)


def test_a_subclass_that_forgets_super_is_told() -> None:
    class Forgetful(Function):
        def __init__(self) -> None:
            pass

    with pytest.raises(OptionError, match=r"Forgetful.__init__ must call super"):
        Forgetful().open(Context())


def test_a_class_that_keeps_the_models_from_opening_is_told() -> None:
    class Backwards(Base, ModelAwareFunction):
        def __init__(self) -> None:
            ModelAwareFunction.__init__(self, NumpyModel())

    function = Backwards()
    function.events = []
    function.open(Context())
    with pytest.raises(OptionError, match=r"Backwards has no open models: derive it from Model"):
        function.model.score(1.0)


@pytest.mark.parametrize("wanted", [None, TensorFlowOptions(intra_op=1)])
def test_how_tensorflow_runs_is_the_model_s_own_matter_unless_said(
    wanted: TensorFlowOptions | None,
) -> None:
    asked = []

    class Asked(NumpyModel):
        def open(self, options: TensorFlowOptions | None = None) -> Any:
            asked.append(options)
            return super().open()

    function = Function(Asked(), options=wanted)
    function.open(Context())
    function.close()
    assert asked == [wanted], "what is given wins over the one of the model"


def test_a_record_that_cannot_be_scored_is_an_error_that_names_it() -> None:
    function = Function(NumpyModel())
    function.open(Context())
    with pytest.raises(UnscorableError, match=r"'double' cannot score the record -1.0: inference"):
        function.model.score(-1.0)
    function.close()
