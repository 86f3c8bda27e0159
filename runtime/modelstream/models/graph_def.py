"""GraphDef: a frozen graph, TensorFlow's format before the SavedModel, or one built in code."""

import hashlib
import os
from collections.abc import Hashable, Iterable, Mapping
from contextlib import AbstractContextManager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from modelstream.annotations import checked
from modelstream.errors import ModelError, ModelLoadError
from modelstream.models.cache import ModelCache
from modelstream.models.directory import GRAPH_SUFFIXES, single_file
from modelstream.models.graph_nodes import GraphNodes
from modelstream.models.graph_signature import GraphSignature, Tensor, one_or_all
from modelstream.models.loaded import LoadedModel
from modelstream.models.options import TensorFlowOptions
from modelstream.models.packages import import_packages, missing_operation, modules
from modelstream.models.signature import DEFAULT_SIGNATURE, PREDICT, Signature

if TYPE_CHECKING:
    import tensorflow as tf

_CACHE: ModelCache[LoadedModel] = ModelCache()


class GraphDefModel:
    """A graph whose variables are constants, and the signatures that you give it.

    From a file it pickles as the path; from bytes, or built in code, it goes with the job.

    Examples:
        >>> labels = ms.GraphDefModel("labels.pb", {"image": "input:0"}, {"scores": "softmax:0"})

    Args:
        source: a file (``.pb``, or ``.pbtxt`` as text), a directory with one such file in it, or
            the bytes of a GraphDef.
        inputs: what the one signature, ``serving_default``, takes: name → tensor of the graph.
        outputs: what it gives: name → tensor of the graph.
        method_name: what the signature says it does: predict, classify or regress.
        signatures: several signatures by name, instead of inputs and outputs.
        prefix: the name scope of the graph's nodes in memory, which TensorFlow's messages then
            show; the tensors of signatures are named without it.
        imports: modules that are imported before the graph loads, wherever it does, for operations
            that TensorFlow alone does not have: ``["tensorflow_text"]``.
        name: what metrics and messages call it; the file's name if None.
        options: how TensorFlow runs it, where ``open`` is not told otherwise.

    Raises:
        ModelNotFoundError: there is no file.
        ModelFormatError: it is not a GraphDef, or is corrupt.
        SignatureMismatchError: a signature names what the graph does not have.
    """

    format: Final = "GraphDef"
    """What ``spec.models[].format`` calls it."""

    digest: str | None = None
    """The digest of its files, where somebody has computed it; dead letters name it."""

    @checked()
    def __init__(
        self,
        source: str | os.PathLike[str] | bytes,
        inputs: Mapping[str, Tensor] | None = None,
        outputs: Mapping[str, Tensor] | None = None,
        method_name: str = PREDICT,
        *,
        signatures: Mapping[str, GraphSignature] | None = None,
        prefix: str = "",
        imports: Iterable[str] = (),
        name: str | None = None,
        options: TensorFlowOptions = TensorFlowOptions(),  # noqa: B008  # frozen
    ) -> None:
        given = one_or_all(signatures, inputs, outputs, method_name)
        self._path = (
            None
            if isinstance(source, bytes)
            else single_file(Path(source).absolute(), GRAPH_SUFFIXES, "frozen graph")
        )
        self._content = source if isinstance(source, bytes) else None
        self._name = name or (self._path.stem if self._path else "graph")
        self._prefix = prefix
        self._imports = modules(imports)
        self._options = options
        nodes = GraphNodes(self._read(), self._where, text=self._is_text)
        self._graph_signatures = given
        self._signatures = {key: each.resolved(key, nodes) for key, each in given.items()}

    @classmethod
    def from_function(
        cls,
        function: Any,
        inputs: Mapping[str, Any] | None = None,
        method_name: str = PREDICT,
        *,
        name: str | None = None,
        options: TensorFlowOptions = TensorFlowOptions(),  # noqa: B008  # frozen
    ) -> "GraphDefModel":
        """A function of TensorFlow as a model: traced now, its variables frozen, shipped as bytes.

        Args:
            function: a ``tf.function`` or a Python function of tensors, which gives a tensor or a
                dictionary of them. A single output is called ``output``, several without names
                ``output_0``, ``output_1``, ….
            inputs: the TensorSpec of each argument by its name (ours or TensorFlow's); None for a
                ``tf.function`` with an input_signature.
            method_name: what kind of function it is.
            name: what metrics and messages call it; the function's name if None.
            options: how TensorFlow runs it, where ``open`` is not told otherwise.

        Raises:
            SignatureMismatchError: it cannot be frozen, such as one that changes a variable.
        """
        from modelstream.models import freeze

        content, tensors = freeze.frozen_function(function, inputs)
        signature = GraphSignature(tensors.inputs, tensors.outputs, method_name)
        return cls(
            content,
            signatures={DEFAULT_SIGNATURE: signature},
            name=name or getattr(function, "__name__", "function").strip("<>"),
            options=options,
        )

    @classmethod
    def from_graph(
        cls,
        graph: "tf.Graph",
        inputs: Mapping[str, Any],
        outputs: Mapping[str, Any],
        method_name: str = PREDICT,
        *,
        session: "tf.compat.v1.Session | None" = None,
        name: str = "graph",
        options: TensorFlowOptions = TensorFlowOptions(),  # noqa: B008  # frozen
    ) -> "GraphDefModel":
        """A graph that was built in code as a model, shipped as bytes.

        Args:
            graph: only what the outputs need of it is kept.
            inputs: name → tensor of the graph, as an object or by its name.
            outputs: name → tensor of the graph.
            method_name: what kind of function it is.
            session: holds the values of the graph's variables, if it has any.
            name: what metrics and messages call it.
            options: how TensorFlow runs it, where ``open`` is not told otherwise.

        Raises:
            SignatureMismatchError: it cannot be frozen, such as one with variables and no session.
        """
        from modelstream.models import freeze

        content, tensors = freeze.frozen_graph(graph, inputs, outputs, session)
        signature = GraphSignature(tensors.inputs, tensors.outputs, method_name)
        return cls(content, signatures={DEFAULT_SIGNATURE: signature}, name=name, options=options)

    @property
    def name(self) -> str:
        """What metrics, dead letters and messages call it."""
        return self._name

    @property
    def path(self) -> Path | None:
        """The file of the graph; None for one that goes with the job."""
        return self._path

    @property
    def key(self) -> Hashable:
        """Equal for two models that may share one copy in memory."""
        source = str(self._path.resolve()) if self._path else _digest(self._content or b"")
        return ("GraphDef", source, self._prefix, repr(self._graph_signatures))

    @property
    def signatures(self) -> Mapping[str, Signature]:
        """The functions that it offers, by name."""
        return self._signatures

    def open(self, options: TensorFlowOptions | None = None) -> AbstractContextManager[LoadedModel]:
        """Load it, or share the copy that this process has already.

        The first call imports TensorFlow, which takes seconds.

        Raises:
            ModelLoadError: TensorFlow refuses the graph.
            SignatureMismatchError: a dtype or shape that was given is not that of the graph.
        """
        options = options or self._options
        return _CACHE.lease((self.key, options), lambda: self._load(options))

    def _load(self, options: TensorFlowOptions) -> LoadedModel:
        from modelstream.models.graph_engine import graph_engine

        import_packages(self._imports)
        given = self._graph_signatures
        functions = {name: (given[name], each) for name, each in self._signatures.items()}
        try:
            engine = graph_engine(self._read(), self._is_text, self._prefix, functions, options)
        except ModelError:
            raise
        except Exception as error:  # whatever TensorFlow raises
            raise ModelLoadError(
                f"TensorFlow cannot load the graph {self._where}: "
                f"{missing_operation([error]) or f'{type(error).__name__}: {error}'}"
            ) from error
        return LoadedModel(self._name, self._signatures, engine, None)

    def _read(self) -> bytes:
        return self._path.read_bytes() if self._path else self._content or b""

    @property
    def _where(self) -> str:
        return str(self._path) if self._path else self._name

    @property
    def _is_text(self) -> bool:
        return self._path is not None and self._path.suffix == ".pbtxt"

    def __repr__(self) -> str:
        return f"GraphDefModel({self._where!r}, signatures={sorted(self._signatures)})"

    def __eq__(self, other: object) -> bool:
        return isinstance(other, GraphDefModel) and self.key == other.key

    def __hash__(self) -> int:
        return hash(self.key)


def _digest(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()
