"""Examples in docstrings, which editors show: each can be compiled and names what there is."""

import ast
import doctest
from collections.abc import Iterator

import pytest

import modelstream

MOST_USED = (
    *("Batch", "Classify", "OnlineModel", "Predict", "SavedModel", "TensorSpec", "dead_letters"),
    *("infer", "map_batches_with_model", "map_with_model", "register"),
)


def examples(name: str) -> str:
    found = doctest.DocTestParser().get_examples(getattr(modelstream, name).__doc__)
    return "".join(example.source for example in found)


def names(tree: ast.AST) -> Iterator[str]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and ast.unparse(node.value) == "ms":
            yield node.attr


@pytest.mark.parametrize("name", MOST_USED)
def test_the_names_that_are_used_most_have_an_example_of_names_that_there_are(name: str) -> None:
    used = set(names(ast.parse(examples(name))))
    assert name in used
    assert used <= set(modelstream.__all__)
