"""The job: pictures → labels → sequence → verdicts. ``job.py PICTURES LABELS VERDICTS``."""

import sys
from collections.abc import Callable
from datetime import timedelta
from typing import Any

from pyflink.common import Row, Types
from pyflink.datastream import StreamExecutionEnvironment
from pyflink.table import StreamTableEnvironment

import modelstream as ms

VERDICT = Types.ROW_NAMED(
    ["door", "verdict", "pictures", "at"],
    [Types.STRING(), Types.STRING(), Types.INT(), Types.LONG()],
)


def main(pictures: str, labels: str, verdicts: str) -> None:
    """Run it to its end."""
    t_env = StreamTableEnvironment.create(StreamExecutionEnvironment.get_execution_environment())
    t_env.execute_sql(
        "CREATE TABLE pictures (door STRING, seen TIMESTAMP(3), picture BYTES, "
        "WATERMARK FOR seen AS seen - INTERVAL '5' SECOND) "
        f"WITH ('connector' = 'filesystem', 'format' = 'json', 'path' = '{pictures}')"
    )
    labelled = ms.infer(
        t_env.from_path("pictures"),
        ms.model("things"),
        ms.Classify(inputs={"images": "picture"}),
        keep=["door", "seen"],
    )
    stream = t_env.to_data_stream(labelled.scored)
    inserts = t_env.create_statement_set()
    inserts.add_insert(sink(labels), t_env.from_data_stream(stream))
    inserts.add_insert(sink(verdicts), t_env.from_data_stream(judged(stream)))
    inserts.execute().wait()


def judged(pictures: Any) -> Any:
    """AccessGranted for each complete sequence, AccessDenied for each that was begun in vain."""
    johnny = (
        ms.Pattern("first", shows("cheeseburger"))
        .followed_by("second", shows("ladybug"))
        .followed_by("third", shows("llama"))
        .within(timedelta(seconds=60))
    )
    found = ms.detect(pictures.key_by(lambda picture: picture["door"]), johnny)
    granted = found.matched.map(verdict("AccessGranted"), output_type=VERDICT)
    return granted.union(found.timed_out.map(verdict("AccessDenied"), output_type=VERDICT))


def shows(label: str) -> Callable[[Any], bool]:
    """Whether the model is half sure at least that the picture shows this."""
    return lambda picture: picture["label"] == label and picture["score"] >= 0.5


def verdict(word: str) -> Callable[[Any], Any]:
    """A row of what was found: door, verdict, pictures that counted, when (ms since 1970)."""
    return lambda found: Row(found.events["first"]["door"], word, len(found.events), found.end)


def sink(path: str) -> Any:
    """JSON lines in files."""
    from pyflink.table import TableDescriptor

    return TableDescriptor.for_connector("filesystem").format("json").option("path", path).build()


if __name__ == "__main__":
    main(*sys.argv[1:])
