"""Signatures of small models, as `model_with` takes them."""

X = {"x": ("float32", (None, 3))}
Y = {"y": ("float32", (None, 1))}
TEXT = {"inputs": ("string", (None,))}
CLASSES = {"classes": ("string", (None, 3)), "scores": ("float32", (None, 3))}


def columns(bound):
    return {column.name: column.type for column in bound.output_columns}
