"""The event times of test streams."""

from typing import Any

from pyflink.common.watermark_strategy import TimestampAssigner


class Moment(TimestampAssigner):
    """A number is its own time, in milliseconds."""

    def extract_timestamp(self, value: Any, record_timestamp: int) -> int:
        return int(value)
