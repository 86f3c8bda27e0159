"""Models as functions of Flink SQL."""

from dataclasses import replace
from typing import TYPE_CHECKING

from modelstream.arguments import check_model
from modelstream.convert import ColumnType
from modelstream.errors import OptionError
from modelstream.failure import Drop, Fail, Null
from modelstream.flink.environment import configure, refuse_thread_mode
from modelstream.flink.tables import row_type
from modelstream.flink.udf import ERROR, Arguments, ModelFunction
from modelstream.models import Method, Model
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
    and with ``on_error=Null()`` the field ``error`` (STRING, NULL for a row that was scored). Rows
    are scored in batches, each row once, however many fields of the result are read. An integer
    argument that is NULL in one row of a batch reaches the model's other rows as DOUBLE, exact up
    to 2**53; a float32 tensor then takes it rounded above 2**24, as it takes every DOUBLE, and
    refuses it in a batch without NULL. Where that matters, filter the NULLs out before.

    Examples:
        >>> ms.register(t_env, "fraud", ms.SavedModel("/models/fraud"))
        >>> t_env.execute_sql("INSERT INTO scores SELECT id, fraud(amount).score FROM payments")

    Args:
        t_env: where the function is known, until the environment ends.
        name: of the function.
        model: loaded once in each Python worker.
        method: how it is called; what the default signature's exporter meant if None.
        on_error: what becomes of a row that the model cannot score: `Null` or `Fail`.
        batch: the job's batch setting; what the job has already, else the default, if None.

    Raises:
        SignatureNotFoundError: the model lacks the signature.
        OptionError: an option cannot be honoured, or ``model`` is none.
    """
    from pyflink.table.udf import udf

    check_model(model, "register")
    if not isinstance(on_error, Null | Fail):
        raise OptionError(f"on_error is {on_error!r}; register takes Null() or Fail()")
    refuse_thread_mode(t_env)
    failing = isinstance(on_error, Fail)
    plan = Plan.of(model, method, batch=batch, on_error=Fail() if failing else Drop())
    plan = replace(plan, batch=configure(t_env, batch))
    bound = plan.bound
    arguments = Arguments(tuple(bound.feeds[tensor] for tensor in sorted(bound.feeds)))
    errors = () if failing else (ColumnType(ERROR, "STRING"),)
    function = udf(
        ModelFunction(plan, arguments, readable=True),
        result_type=row_type((*bound.output_columns, *errors)),
        func_type="pandas",
        name=name,
    )
    t_env.create_temporary_system_function(name, function)
