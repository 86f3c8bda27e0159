"""Event times of test streams, and what came in a window of them."""

import json
from collections.abc import Iterable
from typing import Any

from pyflink.common.watermark_strategy import TimestampAssigner
from pyflink.datastream.functions import ProcessAllWindowFunction


class MomentOfNumber(TimestampAssigner):
    """A number is its own time, in milliseconds."""

    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        return int(value)


class Moment(TimestampAssigner):
    """The number of a record is its time, in milliseconds."""

    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        return int(value[0])


class Together(ProcessAllWindowFunction):
    """The records of a window, its end, and a name, as one line of JSON."""

    def __init__(self, name: str) -> None:
        self._name = name

    def process(self, context: Any, elements: Iterable[Any]) -> Iterable[str]:
        rows = [list(each) for each in elements]
        yield json.dumps({"name": self._name, "rows": rows, "end": context.window().end})
