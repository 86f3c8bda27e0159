"""Which source feeds a table, as far as a failure of the model function can lose its records.

A source of Flink's old interface runs in a thread of its own. When a Python function that is
chained to it fails while it finishes a bundle, a checkpoint that waits for the source's lock can
still complete, without the bundle: its records are lost for good, although the job restores
(measured with datagen: 1 of 6 forced failures lost 1,000 records; none without chaining).
"""

import logging
from typing import TYPE_CHECKING

from modelstream.flink import jvm

if TYPE_CHECKING:
    from pyflink.datastream import DataStream
    from pyflink.table import Table, TableEnvironment

log = logging.getLogger(__name__)

CHAINING = "pipeline.operator-chaining.enabled"
SAFE_CONNECTORS = frozenset({"filesystem", "kafka", "upsert-kafka"})
"""Connectors whose source is of the new interface (FLIP-27): it stops with its operators."""


def break_chains(table: "Table") -> None:
    """Switch operator chaining off where a source of the table may be of the old interface.

    A value that the user has set stays.
    """
    if unsafe := sorted(set(jvm.table_sources(table)) - SAFE_CONNECTORS):
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
    if jvm.has_old_source(source):
        applied.start_new_chain()
