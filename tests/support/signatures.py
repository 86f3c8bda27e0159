"""Signatures of small models, as `model_with` takes them."""

from typing import Any

X = {"x": ("float32", (None, 3))}
Y = {"y": ("float32", (None, 1))}
TEXT = {"inputs": ("string", (None,))}
CLASSES = {"classes": ("string", (None, 3)), "scores": ("float32", (None, 3))}


def columns(bound):
    return {column.name: column.type for column in bound.output_columns}


class Fake:
    """An open model whose outputs a function computes."""

    def __init__(self, function: Any) -> None:
        self.function = function
        self.sizes: list[int] = []

    def call(self, signature: str, inputs: Any) -> Any:
        self.sizes.append(len(next(iter(inputs.values()))))
        return self.function(**inputs)
