"""Signatures with ragged inputs, as TensorFlow's exporters write them, read without TensorFlow."""

import pickle

import pytest
from google.protobuf import text_format

from modelstream.convert.protos import message
from modelstream.errors import SignatureMismatchError
from modelstream.models import Layout, SavedModel, TensorSpec

WHOLE = """
composite_tensor {
  type_spec {
    type_spec_class: RAGGED_TENSOR_SPEC
    type_state { tuple_value {
      values { tensor_shape_value { dim { size: -1 } dim { size: -1 } dim { size: 3 } } }
      values { tensor_dtype_value: DT_FLOAT }
      values { int64_value: 1 }
      values { tensor_dtype_value: DT_INT32 }
    } }
    type_spec_class_name: "RaggedTensorSpec"
  }
  components { name: "x/flat_values:0" dtype: DT_FLOAT }
  components { name: "x/row_splits_0:0" dtype: DT_INT32 }
}
"""
SPEC = """
type_spec_value {
  type_spec_class: RAGGED_TENSOR_SPEC
  type_state { tuple_value {
    values { tensor_shape_value { dim { size: 4 } dim { size: -1 } } }
    values { tensor_dtype_value: DT_INT64 }
    values { int64_value: 1 }
    values { tensor_dtype_value: DT_INT64 }
  } }
  %s
}
"""
PLAIN = 'tensor_spec_value { name: "b" }'
PIECES = {"x": ("int64", (None,)), "x_1": ("int64", (None,)), "b": ("float32", (None,))}
X = TensorSpec("int64", (4, None), "x", Layout.RAGGED, 1)
B = TensorSpec("float32", (None,), "b")


@pytest.fixture
def exported(write_model):
    """A TF2 export: placeholders → the signature's wrapper → the function of the user.

    Its arguments are (name, what the user calls it); ``trace`` is the text of the traced signature,
    which is left out where it is None.
    """

    def export(trace, arguments=(("x", "x"), ("x_1", "x"), ("b", "b")), ops=(), inputs=PIECES):
        path = write_model({("serve",): {"serving_default": (inputs, {"y": ("float32", (None,))})}})
        saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
        (meta,) = saved_model.meta_graphs
        names = [name for name, _ in arguments]
        graph = meta.graph_def
        call(graph.node, sorted(names), "wrapper")
        wrapper = graph.library.function.add()
        wrapper.signature.name = "wrapper"
        for name in sorted(names):
            wrapper.signature.input_arg.add(name=name)
        call(wrapper.node_def, names, "inner")
        inner = graph.library.function.add()
        inner.signature.name = "inner"
        for at, (name, title) in enumerate(arguments):
            inner.signature.input_arg.add(name=name)
            attribute = inner.arg_attr.add(key=at)
            attribute.value.attr["_user_specified_name"].s = title.encode()
        for name, op, *given in ops:
            inner.node_def.add(name=name, op=op, input=given)
        if trace is not None:
            traced = meta.object_graph_def.concrete_functions["inner"]
            text_format.Parse(trace, traced.canonicalized_input_signature)
        (path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
        return path

    return export


def call(nodes, names, function):
    node = nodes.add(name="call", op="PartitionedCall", input=[*names, "variable"])
    node.attr["f"].func.name = function


def arguments(*leaves):
    values = "".join(f"values {{ {leaf} }}" for leaf in leaves)
    return f"tuple_value {{ values {{ tuple_value {{ {values} }} }} values {{ dict_value {{}} }} }}"


def read(path):
    return SavedModel(path).signatures["serving_default"]


def test_an_export_of_tf1_says_what_its_ragged_input_is(write_model):
    path = write_model({("serve",): {"serving_default": ({}, {"y": ("float32", (None,))})}})
    saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    infos = saved_model.meta_graphs[0].signature_def["serving_default"].inputs
    text_format.Parse(WHOLE, infos["x"])
    (path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    signature = read(path)
    spec = TensorSpec("float32", (None, None, 3), "x", Layout.RAGGED, 1, "int32")
    assert signature.inputs == {"x": spec}
    assert signature.parts == {"x": ("x_component_0", "x_component_1")}
    assert pickle.loads(pickle.dumps(signature)) == signature


@pytest.mark.parametrize(
    "count",
    [
        pytest.param("num_flat_components: 2", id="today"),
        pytest.param("", id="before-2.8"),
    ],
)
def test_the_traced_signature_tells_which_tensors_are_a_ragged_one(exported, count):
    signature = read(exported(arguments(SPEC % count, PLAIN)))
    assert signature.inputs == {"b": B, "x": X}
    assert signature.parts == {"x": ("x", "x_1")}
    assert str(signature) == (
        "serving_default(b: float32[?], x: ragged int64[4, ?]) -> (y: float32[?])"
    )


def test_what_is_nested_in_an_argument_is_found(exported):
    fields = f'fields {{ key: "b" value {{ {PLAIN} }} }} fields {{ key: "a" value {{ {SPEC} }} }}'
    trace = arguments(f"dict_value {{ {fields % ''} }}")
    assert read(exported(trace)).inputs == {"b": B, "x": X}


def test_a_traced_signature_that_does_not_fit_the_function_tells_nothing(exported):
    signature = read(exported(arguments(SPEC % "")))
    assert signature.inputs.keys() == PIECES.keys()
    assert signature.parts == {}


VARIANT = ("variant", "RaggedTensorToVariant", "x_1", "x", "^b")
LENGTHS = "RaggedFromRowLengths/RowPartitionFromRowLengths/control_dependency"


@pytest.mark.parametrize(
    "op",
    [
        pytest.param(VARIANT, id="operation"),
        pytest.param(("ids", "RaggedGather", "x_1", "x", "b"), id="gather"),
        pytest.param(
            ("RaggedReduceSum_1/RaggedSplitsToSegmentIds_2/Shape", "Shape", "x_1"), id="scope"
        ),
    ],
)
def test_without_a_trace_one_name_and_what_takes_the_row_splits_tell(exported, op):
    signature = read(exported(None, ops=[op]))
    spec = TensorSpec("int64", (None, None), "x", Layout.RAGGED, 1)
    assert signature.inputs == {"b": B, "x": spec}


@pytest.mark.parametrize(
    ("titles", "op", "inputs"),
    [
        pytest.param("xxb", ("add", "AddV2", "x", "x_1"), PIECES, id="dense-operation"),
        pytest.param("xyb", VARIANT, PIECES, id="arguments-of-their-own"),
        pytest.param("xxb", ("range", "RaggedRange", "x", "x_1"), PIECES, id="limits"),
        pytest.param("xxb", ("ids", "RaggedGather", "b", "x", "x_1"), PIECES, id="indices"),
        pytest.param("xxb", (LENGTHS, "Identity", "x_1"), PIECES, id="lengths"),
        pytest.param("xxb", ("ragged_model/Cast", "Cast", "x_1"), PIECES, id="scope-of-the-user"),
        pytest.param("xxb", ("variant", "RaggedTensorToVariant", "x", "x_1"), PIECES, id="values"),
        pytest.param("xxb", VARIANT, {**PIECES, "x_1": ("float32", (None,))}, id="no-integers"),
        pytest.param("xxb", VARIANT, {**PIECES, "x_1": ("int64", (None, 2))}, id="no-vector"),
        pytest.param("xxb", VARIANT, {**PIECES, "x": ("int64", ())}, id="no-rows"),
        pytest.param("xxx", VARIANT, {**PIECES, "b": ("int64", (None,))}, id="integers-behind"),
    ],
)  # fmt: skip
def test_without_a_trace_plain_tensors_stay_plain(exported, titles, op, inputs):
    given = tuple(zip(("x", "x_1", "b"), titles, strict=True))
    assert read(exported(None, given, [op], inputs)).parts == {}


@pytest.mark.parametrize(
    ("kinds", "parts"),
    [
        pytest.param([b"ROW_SPLITS"], {"x": ("x", "x_1")}, id="splits"),
        pytest.param([b"FIRST_DIM_SIZE", b"VALUE_ROWIDS"], {}, id="row-ids"),
    ],
)
def test_what_a_conversion_to_dense_takes_is_told_by_its_partition_types(exported, kinds, parts):
    path = exported(None, ops=[("dense", "RaggedTensorToTensor", "shape", "x", "zero", "x_1")])
    saved_model = message("SavedModel").FromString((path / "saved_model.pb").read_bytes())
    for function in saved_model.meta_graphs[0].graph_def.library.function:
        for node in function.node_def:
            if node.op == "RaggedTensorToTensor":
                node.attr["row_partition_types"].list.s.extend(kinds)
                node.input[3:] = ["n", "x_1"][-len(kinds) :]
    (path / "saved_model.pb").write_bytes(saved_model.SerializeToString())
    assert read(path).parts == parts


def test_a_trace_of_other_dtypes_than_the_tensors_tells_nothing(exported):
    other = {**PIECES, "x": ("float32", (None,))}
    assert read(exported(arguments(SPEC % "", PLAIN), inputs=other)).parts == {}


def test_the_user_may_say_which_tensors_are_a_ragged_one(exported):
    model = SavedModel(exported(None), ragged={"words": ["x", "x_1"]})
    signature = model.signatures["serving_default"]
    spec = TensorSpec("int64", (None, None), "words", Layout.RAGGED, 1)
    assert signature.inputs == {"b": B, "words": spec}
    assert signature.parts == {"words": ("x", "x_1")}
    assert pickle.loads(pickle.dumps(model)).signatures == model.signatures


@pytest.mark.parametrize(
    ("ragged", "words"),
    [
        ({"x": ("x", "z")}, "'x' is made of 'x', 'z', which no signature takes: serving_default"),
        ({"x": ("x",)}, "it takes the input with the flat values, then those with row splits"),
        ({"b": ("x", "x_1")}, "one of that name already"),
        ({"x": ("x", "b")}, "'b' is float32, and row splits are int64 or int32"),
        ({"x": "x_1"}, "'x' is made of 'x_1': it takes"),
        ({"w": ("x_1", "x_1")}, "input 'x_1' twice, for 'w' and for 'w'"),
        ({"w": ("x", "x_1"), "v": ("b", "x_1")}, "input 'x_1' twice, for 'w' and for 'v': it is"),
        ({"w": ("x", "m")}, "'m' is int64.*, and row splits have one dimension"),
        ({"w": ("n", "x_1")}, "'n' is a single float32: flat values are one behind another"),
    ],
    ids=str,
)
def test_what_the_user_says_and_the_model_does_not_have_is_refused(exported, ragged, words):
    more = {"m": ("int64", (None, 2)), "n": ("float32", ())}
    with pytest.raises(SignatureMismatchError, match=words):
        SavedModel(exported(None, inputs=PIECES | more), ragged=ragged)
