"""Between records and tensors: columns, rows and Python values in, arrays for a model out."""

from modelstream.convert.columns import from_tensor, to_tensor
from modelstream.convert.constant import Constant
from modelstream.convert.dtypes import TENSOR_DTYPES
from modelstream.convert.example import example, parse_example
from modelstream.convert.fit import fits, misfit, sql_type
from modelstream.convert.flinktypes import ColumnType, FlinkType, parse_type
from modelstream.convert.image import Fit, Image, Resize
from modelstream.convert.inputs import ColumnEncoder, Inputs, TensorColumn
from modelstream.convert.ragged import to_ragged
from modelstream.convert.raggedvalue import RaggedValue
from modelstream.convert.records import register, unregister
from modelstream.convert.spec import Layout, TensorSpec
from modelstream.convert.tensorvalue import TensorValue
from modelstream.convert.values import to_values

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
    "register",
    "sql_type",
    "to_ragged",
    "to_tensor",
    "to_values",
    "unregister",
]
