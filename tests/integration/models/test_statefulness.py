"""What changes a model, held against TensorFlow's own list of operations and real exports."""

import re

import numpy as np
import pytest
from tests.support import models

from modelstream.errors import SignatureMismatchError
from modelstream.models import GraphDefModel, SavedModel, warm_up
from modelstream.models.statefulness import CHANGES, RANDOM

# Operations with a handle that leave the model as it is, and why.
HARMLESS = {
    "reads a variable": r"ReadVariable(Op|XlaSplitND)|ResourceGather(Nd)?|Variable(Shape)|"
    r"VarIsInitializedOp|IsVariableInitialized|DisableCopyOnRead|_ReadVariablesOp",
    "reads a table": r"LookupTable(Export|Find|Size)(V2)?",
    "reads a queue or a reader": r"Queue(IsClosed|Size)(V2)?|Barrier(IncompleteSize|ReadySize)|"
    r"Reader(NumRecordsProduced|NumWorkUnitsCompleted|SerializeState)(V2)?",
    "tells of an iterator": r"(Experimental)?IteratorGet(Device|ModelProto)|SerializeIterator|"
    r"(MultiDevice)?IteratorToStringHandle",
    "reads what trains": r"(Resource)?AccumulatorNumAccumulated|IsBoostedTrees\w+Initialized|"
    r"BoostedTrees(ExampleDebugOutputs|GetEnsembleStates|(Training)?Predict|SerializeEnsemble|"
    r"FlushQuantileSummaries|QuantileStreamResourceGetBucketBoundaries)",
    "hands on what it gets": r"Ref(Enter|Exit|Identity|Merge|NextIteration|Select|Switch)|"
    r"DebugGradientRefIdentity|FakeQueue|MakeWeakResourceHandle|IsResourceHandleRefCounting",
    "is of one call": r"Stack(Close|Pop|Push)(V2)?|TensorArray\w+|DestroyTemporaryVariable|"
    r"Delete\w+|MutexLock",
    "fills a table, always with the same": r"InitializeTable\w*",
    "makes a dataset": r"\w+Dataset(V\d)?",
    "writes beside the model": r"\w*Summary\w*|ImportEvent|StatsAggregator\w+",
    "talks to other machines": r"(Collective|Rpc)\w+",
    "calls functions, into which Graph looks": r"XlaLaunch|_XlaCompile|_TPUReplicate",
    "is for TensorFlow's own tests": r"(Two)?Refs?In(put\w+)?|Resource(Create|Initialized|Using)Op",
}


def operations():
    from tensorflow.core.framework.op_def_pb2 import OpList
    from tensorflow.python.client import pywrap_tf_session as session

    return OpList.FromString(session.TF_GetBuffer(session.TF_GetAllOpList())).op


def with_handles():
    """The operations that take a variable, a table, a queue, … and may do something to it."""
    resource = 20
    return sorted(
        each.name
        for each in operations()
        if any(arg.is_ref for arg in each.input_arg)
        or (each.is_stateful and any(arg.type == resource for arg in each.input_arg))
    )


def test_every_operation_of_tensorflow_that_takes_a_handle_is_known():
    names = with_handles()
    changes = {name for name in names if CHANGES.fullmatch(name)}
    harmless = {name for name in names for each in HARMLESS.values() if re.fullmatch(each, name)}
    assert len(names) > 200
    assert set(names) - changes - harmless == set(), "does a call of these change the model?"
    assert changes & harmless == set()


def test_every_operation_that_draws_without_a_variable_is_known():
    """What has a seed of its own keeps its place itself; the others draw only if they drop out."""
    seeded = {
        each.name
        for each in operations()
        if each.is_stateful and any(attribute.name == "seed" for attribute in each.attr)
    }
    others = {name for name in seeded if re.fullmatch(r"CudnnRNN\w*|RandomShuffleQueue(V2)?", name)}
    assert {name for name in seeded if RANDOM.fullmatch(name)} == seeded - others
    assert len(seeded - others) > 15


@models.exported
def ring(target):
    """``x`` float32[?] → ``sum`` float32[?]: a buffer of two, one place of which is written."""
    import tensorflow as tf

    class Ring(tf.Module):
        def __init__(self):
            super().__init__()
            self.places = tf.Variable([5.0, 7.0])

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            self.places[0].assign(tf.reduce_sum(x))
            return {"sum": x + tf.reduce_sum(self.places)}

    module = Ring()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@models.exported
def dice(target):
    """``x`` float32[?] → ``thrown`` float32[?]: a generator keeps its place in a variable."""
    import tensorflow as tf

    class Dice(tf.Module):
        def __init__(self):
            super().__init__()
            self.generator = tf.random.Generator.from_seed(1)

        @tf.function(input_signature=[tf.TensorSpec([None], tf.float32, name="x")])
        def __call__(self, x):
            return {"thrown": x + self.generator.uniform(tf.shape(x))}

    module = Dice()
    tf.saved_model.save(module, str(target), signatures={"serving_default": module.__call__})


@pytest.mark.parametrize("export", [ring, dice])
def test_a_model_that_is_warm_is_the_model_that_was_saved(export):
    model = SavedModel(export())
    assert model.signatures["serving_default"].stateful
    first = []
    for warm in (False, True):
        with model.open() as opened:
            if warm:
                warm_up(opened, "serving_default")
            first.append(opened.predict(x=[1.0]))
    cold, warmed = (next(iter(each.values())) for each in first)
    assert np.array_equal(cold, warmed)


@pytest.mark.parametrize("export", [ring, dice])
def test_it_is_not_frozen(export):
    import tensorflow as tf

    loaded = tf.saved_model.load(str(export()))
    with pytest.raises(SignatureMismatchError, match="cannot be frozen, because it changes"):
        GraphDefModel.from_function(loaded.signatures["serving_default"])
