"""What is given where a model belongs: whoever takes one says what to give instead."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from tests.support.jvm import import_noisy
from tests.support.numpymodel import NumpyModel

import modelstream as ms
from modelstream.arguments import check_model
from modelstream.errors import OptionError
from modelstream.models import SavedModel


@pytest.mark.parametrize(
    ("given", "message"),
    [
        pytest.param("fraud", r"'fraud' \(str\): give SavedModel\('fraud'\)", id="text"),
        pytest.param(Path("fraud"), r"give SavedModel\('fraud'\)", id="path"),
        pytest.param(SavedModel, r"make one of the class, SavedModel\(…\)", id="class"),
        pytest.param(
            NumpyModel, r"make one of the class, NumpyModel\(…\)", id="class of one's own"
        ),
        pytest.param([NumpyModel()], r"\(list\): give it one of them", id="list"),
        pytest.param(len, r"make one of the function, CallableModel\(", id="function"),
        pytest.param(None, r"None \(NoneType\): give a SavedModel, KerasModel", id="none"),
    ],
)
def test_what_is_no_model_is_refused_with_what_to_give_instead(given: Any, message: str) -> None:
    with pytest.raises(OptionError, match=f"^infer takes a model, got .*{message}"):
        check_model(given, "infer")


def test_a_model_is_known_without_reading_it() -> None:
    class Unread(NumpyModel):
        @property
        def signatures(self) -> Any:
            raise AssertionError("read")

    check_model(Unread(), "infer")


def test_a_model_may_stand_for_another() -> None:
    class Proxy:
        def __getattr__(self, name: str) -> Any:
            return getattr(NumpyModel(), name)

    check_model(Proxy(), "infer")


TAKERS: dict[str, Callable[[Any], Any]] = {
    "infer": lambda given: ms.infer(None, given),
    "register": lambda given: ms.register(None, "f", given),
    "map_with_model": lambda given: ms.map_with_model(None, given, len),
    "flat_map_with_model": lambda given: ms.flat_map_with_model(None, given, len),
    "filter_with_model": lambda given: ms.filter_with_model(None, given, len),
    "process_with_model": lambda given: ms.process_with_model(None, given, len),
    "async_with_model": lambda given: ms.async_with_model(None, given, len),
    "RecurrentModel": lambda given: ms.RecurrentModel(given, {}),
}


@pytest.mark.parametrize("taker", TAKERS)
def test_whoever_takes_a_model_refuses_a_path(taker: str) -> None:
    import_noisy()
    with pytest.raises(OptionError, match=rf"^{taker} takes a model.* give SavedModel\('a/path'\)"):
        TAKERS[taker]("a/path")


@pytest.mark.parametrize("taker", [each for each in TAKERS if each.endswith("_with_model")])
def test_each_of_several_models_is_one(taker: str) -> None:
    import_noisy()
    with pytest.raises(OptionError, match=rf"^{taker} takes a model, got 'b' .* SavedModel\('b'\)"):
        TAKERS[taker]([NumpyModel(), "b"])
    with pytest.raises(OptionError, match=rf"^{taker} .*\(set\): give .* a list of them"):
        TAKERS[taker]({NumpyModel()})


def test_a_list_without_models_is_refused() -> None:
    with pytest.raises(OptionError, match="map_with_model takes one model or more"):
        ms.map_with_model(None, [], len)
