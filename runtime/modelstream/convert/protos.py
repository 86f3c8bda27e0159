"""The few protobuf messages of TensorFlow that this library reads, without TensorFlow.

They live in a private descriptor pool: in the default pool they would clash with the same
messages of ``import tensorflow`` later in the process ("duplicate symbol"). Fields that are not
declared here survive a round trip as unknown fields.
"""

from functools import cache
from typing import Any

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

_FIELD = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _FIELD.TYPE_STRING,
    "bytes": _FIELD.TYPE_BYTES,
    "bool": _FIELD.TYPE_BOOL,
    "float": _FIELD.TYPE_FLOAT,
    "int32": _FIELD.TYPE_INT32,
    "uint32": _FIELD.TYPE_UINT32,
    "int64": _FIELD.TYPE_INT64,
    "sint64": _FIELD.TYPE_SINT64,
    "DataType": _FIELD.TYPE_ENUM,
    "TypeSpecClass": _FIELD.TYPE_ENUM,
}

DATA_TYPES = {
    0: "invalid",
    1: "float32",
    2: "float64",
    3: "int32",
    4: "uint8",
    5: "int16",
    6: "int8",
    7: "string",
    8: "complex64",
    9: "int64",
    10: "bool",
    11: "qint8",
    12: "quint8",
    13: "qint32",
    14: "bfloat16",
    15: "qint16",
    16: "quint16",
    17: "uint16",
    18: "complex128",
    19: "float16",
    20: "resource",
    21: "variant",
    22: "uint32",
    23: "uint64",
    24: "float8_e5m2",
    25: "float8_e4m3fn",
    29: "int4",
    30: "uint4",
}
REFERENCE = 100
"""DT_FLOAT_REF is DT_FLOAT + 100: what the variables of TF1 have."""

TYPE_SPEC_CLASSES = {
    0: "UNKNOWN",
    1: "SPARSE_TENSOR_SPEC",
    2: "INDEXED_SLICES_SPEC",
    3: "RAGGED_TENSOR_SPEC",
    4: "TENSOR_ARRAY_SPEC",
    5: "DATA_DATASET_SPEC",
    6: "DATA_ITERATOR_SPEC",
    7: "OPTIONAL_SPEC",
    8: "PER_REPLICA_SPEC",
    9: "VARIABLE_SPEC",
    10: "ROW_PARTITION_SPEC",
    12: "REGISTERED_TYPE_SPEC",
    13: "EXTENSION_TYPE_SPEC",
}
"""With names, because saved_model.pbtxt has those where saved_model.pb has numbers."""

_ENUM_NAMES = {"float32": "FLOAT", "float64": "DOUBLE", "float16": "HALF"}

# message → fields as "label type name = number"; * marks a repeated field, K> a map from string.
_MESSAGES = {
    "SavedModel": ["int64 saved_model_schema_version = 1", "*MetaGraphDef meta_graphs = 2"],
    "MetaGraphDef": [
        "MetaInfoDef meta_info_def = 1",
        "GraphDef graph_def = 2",
        "K>SignatureDef signature_def = 5",
        "SavedObjectGraph object_graph_def = 7",
    ],
    "MetaInfoDef": ["*string tags = 4", "string tensorflow_version = 5"],
    "SignatureDef": [
        "K>TensorInfo inputs = 1",
        "K>TensorInfo outputs = 2",
        "string method_name = 3",
    ],
    "TensorInfo": [
        "string name = 1",
        "DataType dtype = 2",
        "TensorShapeProto tensor_shape = 3",
        "CooSparse coo_sparse = 4",
        "CompositeTensor composite_tensor = 5",
    ],
    "TensorShapeProto": ["*Dim dim = 2", "bool unknown_rank = 3"],
    "Dim": ["int64 size = 1", "string name = 2"],
    "CooSparse": [
        "string values_tensor_name = 1",
        "string indices_tensor_name = 2",
        "string dense_shape_tensor_name = 3",
    ],
    "CompositeTensor": ["TypeSpecProto type_spec = 1", "*TensorInfo components = 2"],
    "TypeSpecProto": [
        "TypeSpecClass type_spec_class = 1",
        "StructuredValue type_state = 2",
        "string type_spec_class_name = 3",
        "int32 num_flat_components = 4",
    ],
    "StructuredValue": [
        "sint64 int64_value = 12 kind",
        "TensorShapeProto tensor_shape_value = 31 kind",
        "DataType tensor_dtype_value = 32 kind",
        "TensorSpecProto tensor_spec_value = 33 kind",
        "TypeSpecProto type_spec_value = 34 kind",
        "TensorSpecProto bounded_tensor_spec_value = 35 kind",
        "TupleValue list_value = 51 kind",
        "TupleValue tuple_value = 52 kind",
        "DictValue dict_value = 53 kind",
        "NamedTupleValue named_tuple_value = 54 kind",
    ],
    "TensorSpecProto": ["string name = 1"],
    "TupleValue": ["*StructuredValue values = 1"],
    "DictValue": ["K>StructuredValue fields = 1"],
    "NamedTupleValue": ["*PairValue values = 2"],
    "PairValue": ["string key = 1", "StructuredValue value = 2"],
    "SavedObjectGraph": ["K>SavedConcreteFunction concrete_functions = 2"],
    "SavedConcreteFunction": ["StructuredValue canonicalized_input_signature = 3"],
    "GraphDef": [
        "*NodeDef node = 1",
        "FunctionDefLibrary library = 2",
        "VersionDef versions = 4",
    ],
    "NodeDef": [
        "string name = 1",
        "string op = 2",
        "*string input = 3",
        "K>AttrValue attr = 5",
    ],
    "AttrValue": [
        "ListValue list = 1 value",
        "bytes s = 2 value",
        "bool b = 5 value",
        "DataType type = 6 value",
        "TensorShapeProto shape = 7 value",
        "TensorProto tensor = 8 value",
        "NameAttrList func = 10 value",
    ],
    "ListValue": [
        "*bytes s = 2",
        "*DataType type = 6",
        "*TensorShapeProto shape = 7",
        "*NameAttrList func = 9",
    ],
    "TensorProto": ["DataType dtype = 1", "TensorShapeProto tensor_shape = 2"],
    "NameAttrList": ["string name = 1"],
    "FunctionDefLibrary": ["*FunctionDef function = 1"],
    "FunctionDef": [
        "OpDef signature = 1",
        "*NodeDef node_def = 3",
        "K>string ret = 4",
        "*ArgAttr arg_attr = 7",
    ],
    "ArgAttr": ["uint32 key = 1", "ArgAttrs value = 2"],
    "ArgAttrs": ["K>AttrValue attr = 1"],
    "OpDef": ["string name = 1", "*ArgDef input_arg = 2", "*ArgDef output_arg = 3"],
    "ArgDef": ["string name = 1"],
    "VersionDef": ["int32 producer = 1"],
    "Example": ["Features features = 1"],
    "Features": ["K>Feature feature = 1"],
    "Feature": [
        "BytesList bytes_list = 1 kind",
        "FloatList float_list = 2 kind",
        "Int64List int64_list = 3 kind",
    ],
    "BytesList": ["*bytes value = 1"],
    "FloatList": ["*float value = 1"],
    "Int64List": ["*int64 value = 1"],
}


def message(name: str) -> Any:
    """The class of one of the messages, e.g. ``message("SavedModel")()``."""
    return _classes()[name]


def dtype_name(number: int) -> str:
    """A dtype as TensorFlow spells it, by its number; that of a reference is the same."""
    return DATA_TYPES.get(number % REFERENCE, f"dtype {number}")


def shape_of(proto: Any) -> tuple[int | None, ...] | None:
    """The dimensions of a TensorShapeProto; None where the rank is unknown."""
    if proto.unknown_rank:
        return None
    return tuple(None if dim.size < 0 else dim.size for dim in proto.dim)


@cache
def _classes() -> dict[str, Any]:
    pool = descriptor_pool.DescriptorPool()
    pool.AddSerializedFile(_file().SerializeToString())
    return {
        name: message_factory.GetMessageClass(pool.FindMessageTypeByName(f"tensorflow.{name}"))
        for name in _MESSAGES
    }


def _file() -> descriptor_pb2.FileDescriptorProto:
    file = descriptor_pb2.FileDescriptorProto(
        name="modelstream/tensorflow.proto", package="tensorflow", syntax="proto3"
    )
    enum = file.enum_type.add(name="DataType")
    for number, dtype in DATA_TYPES.items():
        name = f"DT_{_ENUM_NAMES.get(dtype, dtype.upper())}"
        enum.value.add(name=name, number=number)
        if number:
            enum.value.add(name=f"{name}_REF", number=number + REFERENCE)
    classes = file.enum_type.add(name="TypeSpecClass")
    for number, name in TYPE_SPEC_CLASSES.items():
        classes.value.add(name=name, number=number)
    for name, fields in _MESSAGES.items():
        _declare(file.message_type.add(name=name), fields)
    return file


def _declare(message: descriptor_pb2.DescriptorProto, fields: list[str]) -> None:
    for text in fields:
        type_name, name, _, number, *oneof = text.split()
        field = message.field.add(name=name, number=int(number), label=_FIELD.LABEL_OPTIONAL)
        if type_name.startswith("K>"):
            _map_entry(message, field, type_name[2:])
            continue
        if type_name.startswith("*"):
            field.label = _FIELD.LABEL_REPEATED
        _set_type(field, type_name.lstrip("*"))
        if oneof:
            if not message.oneof_decl:
                message.oneof_decl.add(name=oneof[0])
            field.oneof_index = 0


def _map_entry(
    message: descriptor_pb2.DescriptorProto,
    field: descriptor_pb2.FieldDescriptorProto,
    value_type: str,
) -> None:
    entry = message.nested_type.add(name=f"{field.name.title().replace('_', '')}Entry")
    entry.options.map_entry = True
    entry.field.add(name="key", number=1, label=_FIELD.LABEL_OPTIONAL, type=_FIELD.TYPE_STRING)
    _set_type(entry.field.add(name="value", number=2, label=_FIELD.LABEL_OPTIONAL), value_type)
    field.label, field.type = _FIELD.LABEL_REPEATED, _FIELD.TYPE_MESSAGE
    field.type_name = f".tensorflow.{message.name}.{entry.name}"


def _set_type(field: descriptor_pb2.FieldDescriptorProto, type_name: str) -> None:
    field.type = _SCALARS.get(type_name, _FIELD.TYPE_MESSAGE)
    if field.type in (_FIELD.TYPE_MESSAGE, _FIELD.TYPE_ENUM):
        field.type_name = f".tensorflow.{type_name}"
