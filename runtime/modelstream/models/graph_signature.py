"""What a graph does not say of itself: which of its tensors are the functions that it offers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from modelstream.annotations import check_fields
from modelstream.convert.dtypes import dtype_of
from modelstream.convert.spec import TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.models.graph_nodes import GraphNodes
from modelstream.models.signature import DEFAULT_SIGNATURE, PREDICT, Signature
from modelstream.models.statefulness import PYTHON
from modelstream.models.tensor_names import full

_TENSOR = re.compile(r"[A-Za-z0-9.][A-Za-z0-9_.\\/>-]*(:[0-9]+)?")


@dataclass(frozen=True)
class GraphTensor:
    """A tensor of a graph, and what the graph does not tell of it.

    Attributes:
        tensor: ``node:0`` or, for the first output of a node, ``node``.
        shape: its dimensions, None for one that varies. None as a whole leaves it to the graph.
            It also overrides the graph: a placeholder for exactly one picture takes batches when
            its shape is given with None as the first dimension.
        dtype: as TensorFlow spells it; None leaves it to the graph.
    """

    tensor: str
    shape: tuple[int | None, ...] | None = None
    dtype: str | None = None

    def __post_init__(self) -> None:
        check_fields(self)
        if not _TENSOR.fullmatch(self.tensor):
            raise SignatureMismatchError(
                f"{self.tensor!r} is not a tensor of a graph: write NODE or NODE:INDEX, such as "
                f"final_result:0"
            )
        if self.dtype is not None:
            dtype_of(self.dtype)


Tensor = str | GraphTensor


@dataclass(frozen=True)
class GraphSignature:
    """One function of a graph.

    Attributes:
        inputs: the tensors that it takes, by the names that callers know: name → tensor.
        outputs: the tensors that it gives.
        method_name: what kind of function it is: ``tensorflow/serving/predict``, ``…/classify``
            or ``…/regress``.
    """

    inputs: Mapping[str, Tensor]
    outputs: Mapping[str, Tensor]
    method_name: str = PREDICT

    def __post_init__(self) -> None:
        check_fields(self)

    def resolved(self, name: str, nodes: GraphNodes) -> Signature:
        """The signature with what the graph tells of its tensors.

        Raises:
            SignatureMismatchError: a node does not exist, or the dtype of a tensor is not known.
        """
        inputs = {name: as_tensor(each) for name, each in self.inputs.items()}
        given = {full(each.tensor): each.shape for each in inputs.values() if each.shape}
        outputs = {name: as_tensor(each) for name, each in self.outputs.items()}
        if not outputs:
            raise SignatureMismatchError(f"signature {name!r} has no output: name a tensor")
        return Signature(
            name,
            self.method_name,
            {key: _spec(key, each, nodes, given) for key, each in inputs.items()},
            {key: _spec(key, each, nodes, given) for key, each in outputs.items()},
            stateful=nodes.changes.changes_variables(each.tensor for each in outputs.values()),
            python=nodes.changes.needs((each.tensor for each in outputs.values()), PYTHON) or "",
            probabilities=frozenset(
                key for key, each in outputs.items() if nodes.origins.is_probability(each.tensor)
            ),
        )


def as_tensor(given: Tensor) -> GraphTensor:
    """A tensor that may have been given by its name alone."""
    return GraphTensor(given) if isinstance(given, str) else given


def one_or_all(
    signatures: Mapping[str, GraphSignature] | None,
    inputs: Mapping[str, Tensor] | None,
    outputs: Mapping[str, Tensor] | None,
    method_name: str,
) -> dict[str, GraphSignature]:
    """Signatures by name: those that were given, or the one default signature.

    Raises:
        SignatureMismatchError: both were given, or none.
    """
    if (signatures is None) == (outputs is None) or (signatures and inputs):
        raise SignatureMismatchError(
            "a graph does not say what it takes and gives: give inputs and outputs for one "
            "signature, or signatures for several"
        )
    if signatures is not None:
        return dict(signatures)
    return {DEFAULT_SIGNATURE: GraphSignature(inputs or {}, outputs or {}, method_name)}


def _spec(
    name: str,
    tensor: GraphTensor,
    nodes: GraphNodes,
    given: Mapping[str, tuple[int | None, ...] | None],
) -> TensorSpec:
    stated = nodes.dtype(tensor.tensor)
    dtype = tensor.dtype or stated
    if dtype is None:
        raise SignatureMismatchError(
            f"the graph does not state the dtype of {tensor.tensor!r}: give it, "
            f"GraphTensor({tensor.tensor!r}, dtype='float32')"
        )
    shape = tensor.shape if tensor.shape is not None else nodes.shape(tensor.tensor, given)
    return TensorSpec(dtype, shape, name)
