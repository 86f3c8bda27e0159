"""`infer`: a model over a table or a DataStream."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, overload

from modelstream.arguments import check_model, check_on_error
from modelstream.convert import Inputs
from modelstream.errors import OptionError
from modelstream.failure import Fail, OnError
from modelstream.flink.route import Route
from modelstream.flink.tables import Inferred, plan
from modelstream.models import Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import bound_method
from modelstream.scoring.records import RecordDecoder

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import Table

    from modelstream.flink.streams import InferredStream


@overload
def infer(
    source: "Table",
    model: Model,
    method: Method | None = None,
    *,
    inputs: Inputs | None = ...,
    outputs: Mapping[str, str] | None = ...,
    keep: Sequence[str] | None = ...,
    batch: Batch | None = ...,
    on_error: OnError = ...,
    decoder: RecordDecoder | None = ...,
    payload: str | None = ...,
    key: str | None = ...,
    warm_up: bool = ...,
    path: str = ...,
) -> Inferred: ...


@overload
def infer(  # type: ignore[overload-cannot-match]  # pyflink has no types
    source: "DataStream",
    model: Model,
    method: Method | None = None,
    *,
    inputs: Inputs | None = ...,
    outputs: Mapping[str, str] | None = ...,
    keep: Sequence[str] | None = ...,
    batch: Batch | None = ...,
    on_error: OnError = ...,
    key: str | None = ...,
    warm_up: bool = ...,
    path: str = ...,
) -> "InferredStream": ...


def infer(
    source: "Table | DataStream",
    model: Model,
    method: Method | None = None,
    *,
    inputs: Inputs | None = None,
    outputs: Mapping[str, str] | None = None,
    keep: Sequence[str] | None = None,
    batch: Batch | None = None,
    on_error: OnError = Fail(),  # noqa: B008  # frozen
    decoder: RecordDecoder | None = None,
    payload: str | None = None,
    key: str | None = None,
    warm_up: bool = True,
    path: str = Route.AUTO,
) -> "Inferred | InferredStream":
    """Run a model over the rows of a table or the records of a stream, a batch at a time.

    Records of a stream are rows, tuples (fields ``f0``, ``f1``, …) or plain values (``f0``). Where
    Flink does not know their type, because the function before has no ``output_type``, they may
    be whatever Python has, and ``record`` is the whole of one.

    Args:
        source: the rows, or the records.
        model: loaded once in each Python worker, however many functions use it.
        method: how it is called; what the default signature's exporter meant if None.
        inputs: tensor → column, or what makes the tensor of a column (Image, TensorColumn), over
            what ``method`` says.
        outputs: column → tensor, over what ``method`` says.
        keep: columns that go on beside the model's; all if None.
        batch: one setting for all models of a job, because Flink has it for a job. If None,
            that of the model before in the same environment, else ``Batch()``: state it where the
            first model is called.
        on_error: what becomes of a record that cannot be scored.
        decoder: makes columns of raw records beside the model, so that one that is no record
            fails by itself. For tables.
        payload: the BYTES column that ``decoder`` reads.
        key: the column that identifies a record in dead letters and messages.
        warm_up: call the model with zeros before the first record.
        path: how a stream's records reach the model: ``arrow`` (the most records a second),
            ``async`` (batches gathered beside the stream), ``record`` (one call each), or
            ``auto``, whose ``choice`` tells which it took and why. A table always takes Arrow.

    Returns:
        Inferred for a table, InferredStream for a stream.

    Raises:
        SignatureMismatchError: the columns do not fit the signature; names both sides.
        OptionError: an option cannot be honoured, such as a second batch setting, or ``model`` is
            none.
    """
    from pyflink.datastream import DataStream

    check_model(model, "infer")
    check_on_error(on_error)
    if isinstance(source, DataStream):
        _refuse(decoder, payload)
        from modelstream.flink.streams import infer_stream

        return infer_stream(
            source,
            model,
            method,
            inputs=inputs,
            outputs=outputs,
            keep=keep,
            batch=batch,
            on_error=on_error,
            key=key,
            warm_up=warm_up,
            path=path,
        )
    if path not in {Route.AUTO, Route.ARROW}:
        raise OptionError(
            f"path is {path!r}, but a table goes through {Route.ARROW}: make a stream of it "
            f"(t_env.to_data_stream) for the other ways"
        )
    return plan(
        source,
        bound_method(model, method, inputs, outputs),
        model,
        keep=keep,
        batch=batch,
        on_error=on_error,
        decoder=decoder,
        payload=payload,
        key=key,
        warm_up=warm_up,
    ).tables()


def _refuse(decoder: RecordDecoder | None, payload: str | None) -> None:
    if decoder is not None or payload is not None:
        raise OptionError(
            "decoder and payload are for tables: decode the records of a stream in a function "
            "before infer"
        )
