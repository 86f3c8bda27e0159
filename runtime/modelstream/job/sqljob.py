"""``sql`` jobs: each model a function, the INSERTs of a script one Flink job."""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from modelstream.errors import JobError, SignatureMismatchError
from modelstream.failure import Drop, Fail
from modelstream.job import calls, connectors, failures, statements
from modelstream.job.calls import Call
from modelstream.job.connectors import Needs
from modelstream.job.statements import Statement
from modelstream.messages import suggestion
from modelstream.models import Model
from modelstream.scoring.plan import Plan
from modelstream_crds.reserved import RESERVED
from modelstream_crds.v1alpha1 import Sql, SqlOnError

if TYPE_CHECKING:
    from pyflink.table import StatementSet, TableEnvironment

_CONNECTOR_OPTIONS = ("connector", "format", "key.format", "value.format")
# What would end the job's control over itself, or needs a person who looks.
_REFUSED = {
    "SELECT": "write INSERT INTO a table; a job has nobody to show rows to",
    "WITH": "write INSERT INTO a table; a job has nobody to show rows to",
    "VALUES": "write INSERT INTO a table; a job has nobody to show rows to",
    "SHOW": "leave it out; a job has nobody to show it to",
    "DESCRIBE": "leave it out; a job has nobody to show it to",
    "DESC": "leave it out; a job has nobody to show it to",
    "EXPLAIN": "leave it out; a job has nobody to show it to",
    "BEGIN": "leave it out; all INSERTs of the script are one statement set already",
    "END": "leave it out; all INSERTs of the script are one statement set already",
    "EXECUTE": "write the INSERT itself; it would run as a job of its own",
    "COMPILE": "write the INSERT itself",
    "STOP": "leave it out; the job's life is the manifest's",
    "QUIT": "leave it out",
    "ADD": "use flink.configuration: {pipeline.jars: ...}",
    "UPDATE": "write INSERT INTO",
    "DELETE": "write INSERT INTO",
    "CALL": "run it outside of the job",
}


@dataclass(frozen=True)
class Script:
    """What a script comes to: the INSERTs as one job, and the calls of models in them."""

    inserts: "StatementSet"
    calls: tuple[Call, ...]


def build(
    t_env: "TableEnvironment",
    sql: Sql,
    models: Mapping[str, Model],
    redact: Callable[[str], str] = str,
) -> Script:
    """Run the script's definitions and collect its INSERTs.

    Raises:
        JobError: a statement does not work; the message names it.
        SignatureMismatchError: a statement calls a model with arguments that do not fit.
    """
    from modelstream.flink.sql import function

    on_error = Fail() if sql.on_error is SqlOnError.FAIL else Drop()
    plans = {name: Plan.of(model, on_error=on_error) for name, model in models.items()}
    functions = {name: plan.bound for name, plan in plans.items()}
    for name, plan in plans.items():
        function(t_env, name, plan, checked=True)
    script = checked(sql.statements)
    inserts, called = t_env.create_statement_set(), []
    for statement in script:
        with _named(statement, redact):
            if statement.verb == "INSERT":
                for name, binding in calls.bindings(t_env, statement.text, functions):
                    called.append(Call(name, statement.line, binding))
                inserts.add_insert_sql(statement.text)
            elif statement.verb == "SET":
                _set(t_env, statement)
            else:
                t_env.execute_sql(statement.text)
    return Script(inserts, tuple(called))


def checked(script: str) -> list[Statement]:
    """The statements of a script that a job can run.

    Raises:
        JobError: one that cannot be part of a job, or no INSERT at all.
    """
    found = statements.split(script)
    for statement in found:
        if statement.verb not in _VERBS and (near := suggestion(statement.verb, _VERBS)):
            wrong = f"{statement.verb} is not a statement{near}"
            raise JobError(f"sql.statements, {statement}: {wrong}")
        if at := _NEXT.search(statement.text):
            raise JobError(f"sql.statements, {statement}: write a ; before {at[1]} …")
        if instead := _REFUSED.get(statement.verb):
            raise JobError(f"sql.statements, {statement}: {statement.verb} is not run: {instead}")
        if statement.verb == "SET":
            _refuse_reserved(statement)
    if all(statement.verb != "INSERT" for statement in found):
        raise JobError(
            "sql.statements: there is no INSERT, so the job would do nothing; "
            "write INSERT INTO sink SELECT ... FROM source"
        )
    return found


_VERBS = (
    *("CREATE", "DROP", "ALTER", "INSERT", "SET", "RESET", "USE", "LOAD", "UNLOAD", "ANALYZE"),
    *("TRUNCATE", *_REFUSED),
)
_NEXT = re.compile(r"^CREATE\b.*\n\s*(INSERT\s+INTO|CREATE\s+TABLE)\b", re.I | re.DOTALL)
"""A statement that begins inside of another."""


def _refuse_reserved(statement: Statement) -> None:
    """A script cannot get around what ``flink.configuration`` refuses, such as thread mode."""
    for key in statement.options:
        if instead := RESERVED.get(key):
            raise JobError(f"sql.statements, {statement}: {key} is set by ModelStream: {instead}")


def needs(script: str) -> Needs:
    """The jars of the connectors and formats that the script's tables name.

    A connector outside the catalogue is left to Flink, which knows what is on its class path.
    """
    found = connectors.NOTHING
    for statement in statements.split(script):
        options = statement.options
        for key in _CONNECTOR_OPTIONS:
            found |= _jars(key, options.get(key, ""))
        found |= connectors.needs_of_paths(options.values())
    return found


def _jars(key: str, value: str) -> Needs:
    if key == "connector":
        known = connectors.CATALOGUE.get(value)
        return Needs(known.jars if known else ())
    return Needs(connectors.FORMATS.get(value, ()))


def _set(t_env: "TableEnvironment", statement: Statement) -> None:
    pairs: Iterable[tuple[str, str]] = statement.options.items()
    if not pairs:
        raise JobError("write SET 'option' = 'value'")
    for key, value in pairs:
        t_env.get_config().set(key, value)


class _named:
    """Errors inside the block name the statement."""

    def __init__(self, statement: Statement, redact: Callable[[str], str]) -> None:
        self._statement = statement
        self._redact = redact

    def __enter__(self) -> None:
        pass

    def __exit__(self, kind: object, error: BaseException | None, trace: object) -> None:
        if error is None or not isinstance(error, Exception):
            return
        ours = isinstance(error, JobError | SignatureMismatchError)
        inner = error if ours else failures.job_error(error, self._redact)
        kind = SignatureMismatchError if isinstance(error, SignatureMismatchError) else JobError
        raised = kind(f"sql.statements, {self._statement}: {inner}")
        raised.detail = failures.detail(inner)  # type: ignore[union-attr]  # see failures
        raise raised from error
