"""Records decoded beside the model, so that one that its format cannot read costs only itself."""

from typing import TYPE_CHECKING

from modelstream.exports import exports

if TYPE_CHECKING:
    from modelstream.job.decode.csv import CsvDecoder
    from modelstream.job.decode.formats import (
        RawDecoder,
        csv_dialect,
        decoder,
        without_format_options,
    )
    from modelstream.job.decode.json import JsonDecoder
    from modelstream.job.decode.zoned import check_kept, restored

_HOMES = {
    "CsvDecoder": "job.decode.csv",
    "JsonDecoder": "job.decode.json",
    "RawDecoder": "job.decode.formats",
    "check_kept": "job.decode.zoned",
    "csv_dialect": "job.decode.formats",
    "decoder": "job.decode.formats",
    "restored": "job.decode.zoned",
    "without_format_options": "job.decode.formats",
}

__all__ = [
    "CsvDecoder",
    "JsonDecoder",
    "RawDecoder",
    "check_kept",
    "csv_dialect",
    "decoder",
    "restored",
    "without_format_options",
]

__getattr__ = exports(__name__, _HOMES)
