"""The examples in docstrings run: for real, but for what needs Flink or a model on disk.

For those the arguments are held against what the function takes.
"""

import ast
import builtins
import contextlib
import doctest
import inspect
import io
from datetime import timedelta
from typing import Any

import pytest
from tests.support.jvm import import_noisy

import modelstream as ms

OUTSIDE = {
    *("GraphDefModel", "KerasModel", "SavedModel", "RecurrentModel", "dead_letters", "detect"),
    *("export", "infer", "learn"),
    *("async_with_model", "filter_with_model", "flat_map_with_model", "infer_with_state"),
    *("infer_with_weights", "map_batches_with_model", "map_with_model", "model"),
    *("process_with_model", "register"),
}
"""Need Flink, or a model at a path."""

MOST_USED = [
    *("Batch", "CallableModel", "Classify", "DeadLetter", "OnlineModel", "Predict", "SavedModel"),
    *("TensorSpec", "infer", "map_with_model", "model", "register"),
]

SPEC = ms.TensorSpec("float32", (None,))
GIVEN = {"build": lambda: None, "spec": SPEC, "label": SPEC, "timedelta": timedelta}


class Anything:
    """A table, a stream, an open model: whatever an example does with it."""

    def __getattr__(self, name: str) -> "Anything":
        return self

    def __call__(self, *given: Any, **named: Any) -> "Anything":
        return self

    def __getitem__(self, key: Any) -> "Anything":
        return self

    def __enter__(self) -> "Anything":
        return self

    def __exit__(self, *error: object) -> None:
        return


class Library:
    """The library as an example sees it."""

    def __getattr__(self, name: str) -> Any:
        found = getattr(ms, name)
        if name not in OUTSIDE:
            return found

        def bound(*given: Any, **named: Any) -> Anything:
            inspect.signature(found).bind(*given, **named)
            return Anything()

        return bound


def failed(example: list[doctest.Example]) -> str:
    """What goes wrong in an example; nothing, if all is well."""
    names = {
        node.id
        for each in example
        for node in ast.walk(ast.parse(each.source))
        if isinstance(node, ast.Name) and not hasattr(builtins, node.id)
    }
    scope: dict[str, Any] = {**dict.fromkeys(names, Anything()), **GIVEN, "ms": Library()}
    for each in example:
        shown = io.StringIO()
        try:
            with contextlib.redirect_stdout(shown):
                exec(compile(each.source, "example", "single"), scope)
        except Exception as error:
            return f"{each.source}: {error!r}"
        if each.want and shown.getvalue() != each.want:
            return f"{each.source}: {shown.getvalue()}, not {each.want}"
    return ""


def test_every_example_runs() -> None:
    import_noisy()
    read = doctest.DocTestParser().get_examples
    found = {name: read(getattr(ms, name).__doc__ or "") for name in ms.__all__}
    assert sum(map(bool, found.values())) > len(MOST_USED)
    assert {name: why for name, example in found.items() if (why := failed(example))} == {}


@pytest.mark.parametrize("name", MOST_USED)
def test_the_names_that_are_used_most_have_examples(name: str) -> None:
    import_noisy()
    assert ">>>" in (getattr(ms, name).__doc__ or "")
