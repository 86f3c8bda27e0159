"""Models as functions of Flink SQL."""

from dataclasses import replace
from typing import TYPE_CHECKING

from modelstream.annotations import checked
from modelstream.arguments import check_model
from modelstream.convert import ColumnType
from modelstream.errors import OptionError
from modelstream.failure import Drop, Fail, Null
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.sqlarguments import Caller
from modelstream.flink.tables import row_type, unused
from modelstream.flink.udf import ERROR, Arguments, ModelFunction
from modelstream.models import BoundMethod, Method, Model
from modelstream.scoring.batch import Batch
from modelstream.scoring.plan import Plan

if TYPE_CHECKING:
    from pyflink.table import TableEnvironment


@checked("on_error")
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

    A model of one input takes one argument. Several inputs are fed by name, from the fields of a
    ROW, ``f(CAST(ROW(age, name) AS ROW<age BIGINT, name STRING>))``. One argument after the other,
    in the order of the inputs' names, is taken where it can mean one thing only: by columns that
    are called as the inputs, or by the arguments' types. Else the job fails, and says what to
    write.

    It returns a row: the outputs by name,
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
    check_model(model, "register")
    if not isinstance(on_error, Null | Fail):
        raise OptionError(f"on_error is {on_error!r}; register takes Null() or Fail()")
    refuse_thread_mode(t_env)
    failing = isinstance(on_error, Fail)
    plan = Plan.of(model, method, batch=batch, on_error=Fail() if failing else Drop())
    function(t_env, name, plan)


def function(t_env: "TableEnvironment", name: str, plan: Plan, *, checked: bool = False) -> None:
    """Make a plan a function of SQL.

    Args:
        t_env: where it is known.
        name: what SQL calls the function.
        plan: fails on a bad record, or drops it: then its outputs are NULL.
        checked: each call is held against the model before it runs.
    """
    from pyflink.table.udf import udf

    # By tensor, not by column: what `inputs` calls a column may feed several of them.
    bound = replace(plan.bound, feeds={tensor: tensor for tensor in plan.bound.feeds})
    plan = replace(plan, bound=bound, batch=configure(t_env, plan.batch))
    error = error_field(bound)
    errors = () if isinstance(plan.on_error, Fail) else (ColumnType(error, "STRING"),)
    caller = Caller(name, bound, checked)
    arguments = Arguments(tuple(caller.tensors))
    made = udf(
        ModelFunction(plan, arguments, error, readable=True, caller=caller),
        result_type=row_type((*bound.output_columns, *errors)),
        func_type="pandas",
        name=name,
    )
    t_env.create_temporary_system_function(name, made)


def error_field(bound: BoundMethod) -> str:
    """The field of a function's result that says why a row was not scored."""
    outputs = [column.name for column in bound.output_columns]
    return ERROR if ERROR not in outputs else unused(f"modelstream_{ERROR}", outputs)
