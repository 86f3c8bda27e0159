"""Models as functions of Flink SQL."""

from dataclasses import replace
from typing import TYPE_CHECKING

from modelstream.arguments import check_model
from modelstream.convert import ColumnType
from modelstream.errors import OptionError
from modelstream.failure import Drop, Fail, Null
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.tables import row_type, unused
from modelstream.flink.udf import ERROR, Arguments, ModelFunction
from modelstream.models import BoundMethod, Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment


def register(
    t_env: "TableEnvironment",
    name: str,
    model: Model,
    method: Method | None = None,
    *,
    on_error: Null | Fail = Null(),  # noqa: B008  # frozen
    batch: Batch | None = None,
) -> None:
    """Make a model a function: ``SELECT fraud(features).y FROM payments``.

    Its arguments are the input tensors, sorted by name. It returns a row: the outputs by name,
    and with ``on_error=Null()`` the field ``error`` (STRING, NULL for a row that was scored;
    ``modelstream_error`` where an output is called ``error``). Rows are scored in batches, each row
    once, however many fields of the result are read. A constant counts for each row, one with a
    decimal point as DOUBLE; a call needs one argument that is not a constant. Over a table that is
    updated, Flink calls the function for what it takes back too: the model must give the same again
    (see the guide).

    Examples:
        >>> ms.register(t_env, "fraud", ms.SavedModel("/models/fraud"))
        >>> t_env.execute_sql("INSERT INTO scores SELECT id, fraud(amount).score FROM payments")

    Args:
        t_env: where the function is known, until the environment ends.
        name: what SQL calls the function.
        model: loaded once in each Python worker.
        method: how it is called; what the default signature's exporter meant if None.
        on_error: what becomes of a row that the model cannot score: `Null` or `Fail`.
        batch: the job's batch setting; what the job has already, else the default, if None.

    Raises:
        SignatureNotFoundError: the model lacks the signature.
        OptionError: an option cannot be honoured, or ``model`` is not a model.
    """
    from pyflink.table.udf import udf

    check_model(model, "register")
    if not isinstance(on_error, Null | Fail):
        raise OptionError(f"on_error is {on_error!r}; register takes Null() or Fail()")
    refuse_thread_mode(t_env)
    failing = isinstance(on_error, Fail)
    plan = Plan.of(model, method, batch=batch, on_error=Fail() if failing else Drop())
    # By tensor, not by column: what `inputs` calls a column may feed several of them.
    bound = replace(plan.bound, feeds={tensor: tensor for tensor in plan.bound.feeds})
    plan = replace(plan, bound=bound, batch=configure(t_env, batch))
    error = error_field(bound)
    errors = () if failing else (ColumnType(error, "STRING"),)
    function = udf(
        ModelFunction(plan, Arguments(tuple(sorted(bound.feeds))), error, readable=True),
        result_type=row_type((*bound.output_columns, *errors)),
        func_type="pandas",
        name=name,
    )
    t_env.create_temporary_system_function(name, function)


def error_field(bound: BoundMethod) -> str:
    """The field of a function's result that says why a row was not scored."""
    outputs = [column.name for column in bound.output_columns]
    return ERROR if ERROR not in outputs else unused(f"modelstream_{ERROR}", outputs)
