"""Apache Beam's RunInference over the rows of `bench.peers`, on Beam's own runner, not on Flink."""

import sys
import types
from collections.abc import Callable, Iterator
from itertools import cycle, islice
from pathlib import Path
from typing import Any

import apache_beam as beam
import numpy as np
from apache_beam.ml.inference.base import PredictionResult, RunInference
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from apache_beam.transforms.window import GlobalWindows

from bench.peers import BATCH, FIRST, PERIOD, check, vectors

# Beam's handler imports it for models behind an address; this model is a directory.
sys.modules.setdefault("tensorflow_hub", types.ModuleType("tensorflow_hub"))

from apache_beam.ml.inference.tensorflow_inference import TFModelHandlerNumpy  # noqa: E402


class SavedModelHandler(TFModelHandlerNumpy):  # type: ignore[misc]  # Beam's has no types
    """Beam's handler with a loader of ours: its own is Keras 3, which takes no SavedModel."""

    def load_model(self) -> Any:
        """The SavedModel, by TensorFlow."""
        import tensorflow as tf

        return tf.saved_model.load(self._model_uri)


def called(
    model: Any, batch: list[np.ndarray], arguments: dict[str, Any], model_id: str | None
) -> list[PredictionResult]:
    """A batch through the signature. Beam's own would take the result apart as a tensor, slowly."""
    scores = model.signatures["serving_default"](x=np.stack(batch), **arguments)["y"].numpy()
    return [PredictionResult(x, y, model_id) for x, y in zip(batch, scores, strict=True)]


class Sink(beam.DoFn):  # type: ignore[misc]  # Beam has no types
    """Keeps the first results and counts them all."""

    def start_bundle(self) -> None:
        """Begin with none."""
        self.count, self.first = 0, []

    def process(self, element: PredictionResult) -> tuple[()]:
        """Take one result."""
        if self.count < FIRST:
            self.first.append(float(element.inference))
        self.count += 1
        return ()

    def finish_bundle(self) -> Iterator[Any]:
        """What came, as one element."""
        yield GlobalWindows.windowed_value((self.count, self.first))


def inferred(model: Path, expected: list[float]) -> Callable[[int], None]:
    """RunInference in batches of one size, in this process; the rows are made beside it."""
    handler = SavedModelHandler(
        str(model), inference_fn=called, min_batch_size=BATCH, max_batch_size=BATCH
    )
    made = list(vectors(PERIOD))

    def run(rows: int) -> None:
        with beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([])) as pipeline:
            _ = (
                pipeline
                | beam.Create([rows])
                | beam.FlatMap(lambda count: islice(cycle(made), count))
                | RunInference(handler)
                | beam.ParDo(Sink())
                | beam.MapTuple(lambda count, first: check("Beam", rows, count, first, expected))
            )

    return run
