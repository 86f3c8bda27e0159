"""Something else than a table, a stream or an environment of Flink is refused where it is given."""

from collections.abc import Callable
from typing import Any

import pytest
from tests.support.jvm import import_noisy
from tests.support.numpymodel import NumpyModel

import modelstream as ms
from modelstream.errors import OptionError

MODEL = NumpyModel()
TAKERS: dict[str, Callable[[Any], object]] = {
    "infer": lambda given: ms.infer(given, MODEL),
    "map_with_model": lambda given: ms.map_with_model(given, MODEL, max),
    "flat_map_with_model": lambda given: ms.flat_map_with_model(given, MODEL, max),
    "filter_with_model": lambda given: ms.filter_with_model(given, MODEL, max),
    "process_with_model": lambda given: ms.process_with_model(given, MODEL, max),
    "async_with_model": lambda given: ms.async_with_model(given, MODEL, max),
    "map_batches_with_model": lambda given: ms.map_batches_with_model(given, MODEL, max),
    "register": lambda given: ms.register(given, "double", MODEL),
    "configure": lambda given: ms.configure(given),
}


@pytest.mark.parametrize("given", [None, "payments", 4, [1]], ids=repr)
@pytest.mark.parametrize("taker", TAKERS)
def test_what_is_no_source_of_flink_is_refused_in_words(taker: str, given: Any) -> None:
    import_noisy()
    with pytest.raises(OptionError, match=r"DataStream.*, not ") as caught:
        TAKERS[taker](given)
    assert f"({type(given).__name__})" in str(caught.value)


@pytest.mark.parametrize("given", [ms.Predict, "Predict", {"x": "features"}], ids=str)
def test_a_class_or_a_name_is_no_method(given: Any) -> None:
    import_noisy()
    for taker in (ms.infer, ms.register):
        arguments = (None, "double") if taker is ms.register else (None,)
        with pytest.raises(OptionError, match="takes as method a Method or None, not"):
            taker(*arguments, MODEL, given)


@pytest.mark.parametrize("taker", [name for name in TAKERS if name.endswith("with_model")])
def test_the_function_around_a_model_can_be_called(taker: str) -> None:
    import_noisy()
    from pyflink.datastream import DataStream

    with pytest.raises(OptionError, match=f"{taker} takes as fn a function, not 'f'"):
        getattr(ms, taker)(DataStream(None), MODEL, "f")
