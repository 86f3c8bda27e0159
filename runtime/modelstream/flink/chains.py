"""Which source feeds a table, as far as a failure of the model function can lose its records.

A source of Flink's old interface runs in a thread of its own. When a Python function that is
chained to it fails while it finishes a bundle, a checkpoint that waits for the source's lock can
still complete, without the bundle: its records are lost for good, although the job restores
(measured with datagen: 1 of 6 forced failures lost 1,000 records; none without chaining).
"""

import logging
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import Table, TableEnvironment

log = logging.getLogger(__name__)

_CHAINABLE = "org.apache.flink.streaming.api.transformations.PhysicalTransformation"
CHAINING = "pipeline.operator-chaining.enabled"
SAFE_CONNECTORS = frozenset({"filesystem", "kafka", "upsert-kafka"})
"""Connectors whose source is of the new interface (FLIP-27): it stops with its operators."""


def break_chains(table: "Table") -> None:
    """Switch operator chaining off where a source of the table may be of the old interface.

    A value that the user has set stays.
    """
    unsafe = sorted({name for name in _sources(table._j_table.getQueryOperation(), table) if name})
    if unsafe:
        switch_off(table._t_env, ", ".join(unsafe))


def switch_off(t_env: "TableEnvironment", because_of: str) -> None:
    """Switch operator chaining off, unless the user has set it."""
    config = t_env.get_config()
    if config.get(CHAINING, ""):
        return
    config.set(CHAINING, "false")
    log.info(
        "operators are not chained: the source (%s) may lose records when a Python function "
        "that is chained to it fails; set %s to decide yourself",
        because_of,
        CHAINING,
    )


def leave_chain(source: "DataStream", applied: "DataStream") -> None:
    """Run a function that may fail apart from a source of the old interface.

    Nothing happens behind a source of the new interface, or where operators are not chained.
    """
    if has_old_source(source):
        applied.start_new_chain()


def end_chain(stream: "DataStream") -> None:
    """Chain nothing to the last operator of a stream, whatever is made of it."""
    from pyflink.java_gateway import get_gateway
    from pyflink.util.java_utils import is_instance_of

    last = stream._j_data_stream.getTransformation()
    if is_instance_of(last, _CHAINABLE):  # not a union or a partitioning
        operators = get_gateway().jvm.org.apache.flink.streaming.api.operators
        last.setChainingStrategy(operators.ChainingStrategy.NEVER)


def has_old_source(stream: "DataStream") -> bool:
    """Whether the records of a stream come from a source of the old interface."""
    return _is_old(stream._j_data_stream.getTransformation().getTransitivePredecessors())


def _sources(operation: Any, table: "Table") -> Iterator[str]:
    """Each source: its name if it may be unsafe, nothing if it is safe."""
    children = operation.getChildren()
    match operation.getClass().getSimpleName():
        case "SourceQueryOperation":
            yield from _catalog_sources(operation.getContextResolvedTable(), table)
        case "PlannerQueryOperation":
            yield from _planned_sources(operation.getCalciteTree(), table)
        case kind if "Stream" in kind or "External" in kind:
            yield _stream(operation)
        case kind if len(children) == 0:
            yield kind
    for index in range(len(children)):
        yield from _sources(children[index], table)


def _catalog_sources(found: Any, table: "Table") -> Iterator[str]:
    resolved = found.getResolvedTable()
    if resolved.getClass().getSimpleName() != "ResolvedCatalogView":
        connector = str(resolved.getOptions().get("connector"))
        yield "" if connector in SAFE_CONNECTORS else connector
        return
    origin = resolved.getOrigin()
    if origin.getClass().getSimpleName() == "QueryOperationCatalogView":
        yield from _sources(origin.getQueryOperation(), table)
    else:
        query = table._t_env.sql_query(resolved.getExpandedQuery())
        yield from _sources(query._j_table.getQueryOperation(), query)


def _planned_sources(node: Any, table: "Table") -> Iterator[str]:
    """The sources of a query that the planner has parsed already."""
    inputs = node.getInputs()
    scanned = node.getTable()
    if scanned is not None and any("*" in name for name in scanned.getQualifiedName()):
        yield "a table without a name"
    elif scanned is not None:
        path = ".".join(f"`{name.replace('`', '``')}`" for name in scanned.getQualifiedName())
        source = table._t_env.from_path(path)
        yield from _sources(source._j_table.getQueryOperation(), source)
    for index in range(inputs.size()):
        yield from _planned_sources(inputs.get(index), table)


def _stream(operation: Any) -> str:
    transformations = operation.getDataStream().getTransformation().getTransitivePredecessors()
    return "a stream" if _is_old(transformations) else ""


def _is_old(transformations: Any) -> bool:
    kinds = {each.getClass().getSimpleName() for each in transformations}
    return "LegacySourceTransformation" in kinds
