"""`infer`: a model over a table or a DataStream."""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from modelstream.annotations import checked
from modelstream.convert import Inputs
from modelstream.errors import OptionError
from modelstream.failure import Fail, OnError
from modelstream.flink.route import Inferred, Route
from modelstream.flink.tables import over_table
from modelstream.messages import excerpt
from modelstream.models import Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import Table


@checked("on_error")
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
    key: str | None = None,
    warm_up: bool = True,
    path: str = Route.AUTO,
) -> Inferred:
    """Run a model over the rows of a table or the records of a stream, a batch at a time.

    Records of a stream are rows, tuples (fields ``f0``, ``f1``, …) or plain values (``f0``). Where
    Flink does not know their type, because the function before has no ``output_type``, they may
    be whatever Python has, and ``record`` is the whole of one.

    Examples:
        >>> model = ms.SavedModel("/models/fraud")
        >>> found = ms.infer(payments, model, keep=["id"], on_error=ms.DeadLetter())
        >>> found.scored, found.dead_letters, found.choice

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
        key: the column that identifies a record in dead letters and messages.
        warm_up: call the model with zeros before the first record.
        path: how a stream's records reach the model: ``arrow`` (the most records a second),
            ``async`` (batches gathered beside the stream), ``record`` (one call each), or
            ``auto``, whose ``choice`` tells which it took and why. A table always takes Arrow.

    Returns:
        The scored records, the dead letters, and how records reach the model.

    Raises:
        SignatureMismatchError: the columns do not fit the signature; names both sides.
        OptionError: an option cannot be honoured, such as a second batch setting, or ``model`` is
            not a model.
    """
    from pyflink.datastream import DataStream
    from pyflink.table import Table

    plan = Plan.of(
        model,
        method,
        inputs=inputs,
        outputs=outputs,
        keep=keep,
        key=key,
        batch=batch,
        on_error=on_error,
        warm_up=warm_up,
    )
    if isinstance(source, DataStream):
        from modelstream.flink.streams import over_stream

        return over_stream(source, plan, path)
    if not isinstance(source, Table):
        raise OptionError(
            f"infer takes a Table or a DataStream, not {excerpt(source)} "
            f"({type(source).__name__}): t_env.from_path(NAME) gives the table of a name"
        )
    if path not in {Route.AUTO, Route.ARROW}:
        raise OptionError(
            f"path is {path!r}, but a table goes through {Route.ARROW}: make a stream of it "
            f"(t_env.to_data_stream) for the other ways"
        )
    return over_table(source, plan)
