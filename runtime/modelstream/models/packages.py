"""Packages that bring operations, layers and functions which a model needs."""

import importlib
import re
from collections.abc import Iterable

from modelstream.errors import ModelLoadError

_MISSING = re.compile(r"Op type not registered '([^']+)'")

_TEXT = (
    "CaseFoldUTF8|NormalizeUTF8|Sentencepiece|SentenceFragments|UnicodeScript|Whitespace|Wordpiece|"
    "FastWordpiece|FastBert|FastSentencepiece|SplitMerge|RegexSplit|RougeL|Constrained|"
    "MaxSpanningTree|Phrase|HubModule|Tokenizer|Detokenize|Mst|RoundRobin|Utf8|TFText>"
)
_PACKAGES = (
    (_TEXT, "tensorflow-text", "tensorflow_text"),
    ("SimpleML", "tensorflow-decision-forests", "tensorflow_decision_forests"),
    ("Addons>", "tensorflow-addons", "tensorflow_addons"),
    ("IO>", "tensorflow-io", "tensorflow_io"),
    ("TFRA>", "tensorflow-recommenders-addons", "tensorflow_recommenders_addons"),
    ("Scann>", "scann", "scann"),
    ("Horovod", "horovod", "horovod.tensorflow"),
)


def modules(given: Iterable[str]) -> tuple[str, ...]:
    """The names of modules; one may be given by itself."""
    return (given,) if isinstance(given, str) else tuple(given)


def import_packages(modules: Iterable[str]) -> None:
    """Import modules for what they register: operations of TensorFlow, layers of Keras.

    Raises:
        ModelLoadError: one cannot be imported.
    """
    for module in modules:
        try:
            importlib.import_module(module)
        except Exception as error:  # whatever the module raises
            raise ModelLoadError(
                f"imports: the module {module!r} cannot be imported here: "
                f"{type(error).__name__}: {error}"
            ) from error


def missing_operation(errors: Iterable[BaseException]) -> str | None:
    """What to do about an operation that TensorFlow does not know; None where it is not that."""
    found = next(filter(None, (_MISSING.search(str(error)) for error in errors)), None)
    if found is None:
        return None
    operation = found[1]
    for pattern, package, module in _PACKAGES:
        if re.match(pattern, operation):
            return (
                f"its operation {operation!r} comes with the package {package}: install the "
                f"version that goes with this TensorFlow, and have it imported before the model "
                f"loads, imports=[{module!r}] (in a manifest spec.models[].imports: [{module}])"
            )
    return (
        f"its operation {operation!r} is none of TensorFlow's: install the package that brings "
        f"it, and have it imported before the model loads, imports=['its.module'] (in a manifest "
        f"spec.models[].imports)"
    )
