"""What feeds the tensors of a signature: columns, and constants beside them."""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace

from modelstream.convert.inputs import ColumnEncoder, Constant, ConstantTensor, Inputs
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.errors import SignatureMismatchError
from modelstream.messages import listed, suggestion
from modelstream.models.padding import has_one_batch
from modelstream.models.signature import Signature, check_runs


@dataclass(frozen=True)
class Feeding:
    """A signature with what feeds it.

    Attributes:
        signature: without the inputs that are constants.
        columns: tensor → column.
        encoders: what makes tensors of their columns, where the columns' types do not tell.
        constants: the inputs that are the same for all records.
    """

    signature: Signature
    columns: Mapping[str, str]
    encoders: Mapping[str, ColumnEncoder]
    constants: Mapping[str, ConstantTensor]

    @classmethod
    def of(cls, signature: Signature, inputs: Inputs | None) -> "Feeding":
        """What feeds each tensor: what ``inputs`` says, else the column of its name.

        Raises:
            SignatureMismatchError: a tensor is not there, a constant does not fit, or no column
                can feed a tensor.
        """
        check_runs(signature)
        given = inputs or {}
        _check_known(signature, given)
        sources = {tensor: given.get(tensor, tensor) for tensor in signature.inputs}
        constants = {
            tensor: each.to_tensor(signature.inputs[tensor])
            for tensor, each in sources.items()
            if isinstance(each, Constant)
        }
        fed = {t: each for t, each in sources.items() if not isinstance(each, Constant)}
        if not fed:
            raise SignatureMismatchError(
                f"signature {signature.name!r} takes no input but constants: there is nothing that "
                f"a record could feed; open the model and call it instead"
            )
        _check_one_batch(signature, fed)
        columns = {tensor: _column(signature.inputs[tensor], each) for tensor, each in fed.items()}
        encoders = {tensor: each for tensor, each in fed.items() if not isinstance(each, str)}
        specs = {tensor: signature.inputs[tensor] for tensor in fed}
        return cls(replace(signature, inputs=specs), columns, encoders, constants)


def _check_known(signature: Signature, inputs: Inputs) -> None:
    if not signature.inputs:
        raise SignatureMismatchError(
            f"signature {signature.name!r} takes no input: there is nothing that a record could "
            f"feed; open the model and call it instead"
        )
    for tensor in inputs:
        if tensor not in signature.inputs:
            raise SignatureMismatchError(
                f"inputs names the tensor {tensor!r}, which signature {signature.name!r} does not "
                f"take{suggestion(tensor, signature.inputs)}; it takes {listed(signature.inputs)}"
            )


def _check_one_batch(signature: Signature, fed: Collection[str]) -> None:
    """Refuse inputs that cannot have the same number of records."""
    inputs = {name: signature.inputs[name] for name in fed if signature.inputs[name].shape}
    if has_one_batch(inputs):
        return
    odd = next(name for name, spec in inputs.items() if spec.batch)
    raise SignatureMismatchError(
        f"the inputs of signature {signature.name!r} take different numbers of records: "
        f"{', '.join(f'{name} {spec}' for name, spec in inputs.items())}; the first dimension "
        f"counts as the batch. Give what is not a batch one value for all records, "
        f"inputs={{{odd!r}: Constant([…])}}, in a manifest inference.constants"
    )


def _column(spec: TensorSpec, source: str | ColumnEncoder) -> str:
    """The column that feeds a tensor.

    A tensor of unknown rank takes the vector of a batch for one value of all records, and
    TensorFlow spreads that over the features where the sizes happen to agree.
    """
    if not isinstance(source, str):
        return source.column
    if spec.shape is None and spec.layout is Layout.DENSE:
        raise SignatureMismatchError(
            f"the model does not state the rank of input {spec.name!r} ({spec}), so that a value "
            f"for all records and a value for each look alike: state its shape, "
            f"SavedModel(…, shapes={{{spec.name!r}: (None, …)}}) or for a graph "
            f"GraphTensor(node, shape=(None, …)), in a manifest spec.models[].shapes; or give one "
            f"value for all records, inputs={{{spec.name!r}: Constant(…)}}, in a manifest "
            f"inference.constants"
        )
    return source
