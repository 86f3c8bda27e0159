"""What takes ten lines without a stream: read lines, call the model, write lines; one process.

A process of its own: python -m bench.plain SHAPE FORMAT MODEL SOURCE TARGET.
"""

import sys
from collections.abc import Callable
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from bench import decode

BATCH = 4096


def main(name: str, written: str, model: str, source: str, target: str) -> None:
    """Score the lines of the files of a directory; those that are bad go to a file beside."""
    import tensorflow as tf

    shape = next(each for each in decode.SHAPES if each.name == name)
    loaded = tf.saved_model.load(model)
    call = loaded.signatures["serving_default"]
    read = orjson.loads if written == "json" else decode.csv_reader(shape)
    Path(target).mkdir()
    scored, bad = Path(target, "scores"), Path(f"{target}-bad")
    with scored.open("wb") as out, bad.open("wb") as refused:
        for part in sorted(Path(source).iterdir()):
            with part.open("rb") as lines:
                while block := list(islice(lines, BATCH)):
                    records = readable(block, read, refused)
                    arrays = {each: array(shape, each, records) for each in shape.feeds}
                    tensors = {each: tf.constant(values) for each, values in arrays.items()}
                    scores = call(**tensors)["y"].numpy().tolist()
                    out.writelines(map(writer(shape, written), records, scores))


def readable(
    block: list[bytes], read: Callable[[bytes], dict[str, Any]], refused: Any
) -> list[dict[str, Any]]:
    """The records of the lines that can be read."""
    records = []
    for line in block:
        try:
            records.append(read(line))
        except ValueError:
            refused.write(line)
    return records


def array(shape: decode.Shape, name: str, records: list[dict[str, Any]]) -> Any:
    """A column of the records, as the model takes it."""
    kind = object if shape.types[name] == "STRING" else np.float32
    return np.array([record[name] for record in records], kind)


def writer(shape: decode.Shape, written: str) -> Callable[[dict[str, Any], float], bytes]:
    """A line of a result."""
    if written == "csv":
        return lambda record, score: (
            ",".join([*(str(record[name]) for name in shape.keep), str(score)]).encode() + b"\n"
        )
    return lambda record, score: (
        orjson.dumps({**{name: record[name] for name in shape.keep}, "y": score}) + b"\n"
    )


if __name__ == "__main__":
    main(*sys.argv[1:])
