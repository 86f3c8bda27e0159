"""The program of the rig's jobs: numbers into nothing, in one of the ways that a job can end.

``ha_job.py endless | bounded | failing | refused``, as a JobManager's Python driver runs it.
"""

import sys

ROWS = {"endless": 10**5, "bounded": 250, "failing": 10**5}
FAILS_AT = 250
"""The record that the failing job divides by zero for; some checkpoints after its start."""


def main(kind: str) -> None:
    from pyflink.table import EnvironmentSettings, TableEnvironment

    if kind == "refused":
        raise KeyError("the program is wrong")
    t_env = TableEnvironment.create(EnvironmentSettings.in_streaming_mode())
    t_env.execute_sql(
        "CREATE TEMPORARY TABLE numbers (id BIGINT) WITH ('connector' = 'datagen', "
        "'rows-per-second' = '50', 'fields.id.kind' = 'sequence', 'fields.id.start' = '1', "
        f"'fields.id.end' = '{ROWS[kind]}')"
    )
    t_env.execute_sql("CREATE TEMPORARY TABLE nothing (id BIGINT) WITH ('connector' = 'blackhole')")
    number = f"id / (id - {FAILS_AT})" if kind == "failing" else "id"
    t_env.execute_sql(f"INSERT INTO nothing SELECT {number} FROM numbers")


if __name__ == "__main__":
    main(sys.argv[1])
