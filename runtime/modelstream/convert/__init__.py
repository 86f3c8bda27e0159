"""Between records and tensors: columns, rows and Python values in, arrays for a model out."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.convert.columns import from_tensor, to_tensor
    from modelstream.convert.dtypes import TENSOR_DTYPES
    from modelstream.convert.examples import example, parse_example
    from modelstream.convert.fit import fits, misfit, sql_type
    from modelstream.convert.flinktypes import ColumnType, FlinkType, parse_type
    from modelstream.convert.image import Fit, Image, Resize
    from modelstream.convert.inputs import ColumnEncoder, Constant, Inputs, TensorColumn
    from modelstream.convert.ragged import to_ragged
    from modelstream.convert.raggedvalue import RaggedValue
    from modelstream.convert.spec import Layout, TensorSpec
    from modelstream.convert.tensorvalue import TensorValue
    from modelstream.convert.values import register_type, to_values, unregister_type

_HOMES = {
    "TENSOR_DTYPES": "convert.dtypes",
    "ColumnEncoder": "convert.inputs",
    "ColumnType": "convert.flinktypes",
    "Constant": "convert.inputs",
    "Fit": "convert.image",
    "FlinkType": "convert.flinktypes",
    "Image": "convert.image",
    "Inputs": "convert.inputs",
    "Layout": "convert.spec",
    "RaggedValue": "convert.raggedvalue",
    "Resize": "convert.image",
    "TensorColumn": "convert.inputs",
    "TensorSpec": "convert.spec",
    "TensorValue": "convert.tensorvalue",
    "example": "convert.examples",
    "fits": "convert.fit",
    "from_tensor": "convert.columns",
    "misfit": "convert.fit",
    "parse_example": "convert.examples",
    "parse_type": "convert.flinktypes",
    "register_type": "convert.values",
    "sql_type": "convert.fit",
    "to_ragged": "convert.ragged",
    "to_tensor": "convert.columns",
    "to_values": "convert.values",
    "unregister_type": "convert.values",
}

__all__ = [
    "TENSOR_DTYPES",
    "ColumnEncoder",
    "ColumnType",
    "Constant",
    "Fit",
    "FlinkType",
    "Image",
    "Inputs",
    "Layout",
    "RaggedValue",
    "Resize",
    "TensorColumn",
    "TensorSpec",
    "TensorValue",
    "example",
    "fits",
    "from_tensor",
    "misfit",
    "parse_example",
    "parse_type",
    "register_type",
    "sql_type",
    "to_ragged",
    "to_tensor",
    "to_values",
    "unregister_type",
]

__getattr__ = exports(__name__, _HOMES)
