"""Export half_plus_two, run modelstream.yaml over some numbers, and show the line: ``demo.py``."""

import base64
import json
import shutil
import sys
from pathlib import Path

import modelstream as ms
from modelstream.cli import reported
from modelstream.cli.quiet import quiet
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
WORK = REPOSITORY / ".build" / "half-plus-two"
OUT = REPOSITORY / "out" / "half-plus-two"
NUMBERS = range(-4, 9)


def main() -> int:
    """Export, run, show."""
    for directory in (WORK, OUT):
        shutil.rmtree(directory, ignore_errors=True)
    with quiet():
        export(WORK / "model")
    write(WORK / "numbers")
    path = "spec.pipeline.{}.options.path".format
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"halfplustwo": str(WORK / "model")},
            overrides={path("source"): str(WORK / "numbers"), path("sink"): str(OUT)},
        )
    )
    show()
    print(f"\nJSON lines: {OUT.relative_to(REPOSITORY)}/")
    return 0


def export(target: Path) -> None:
    """Write the model as TensorFlow Serving's script does: a graph, and what it is called by."""
    import tensorflow as tf

    v1 = tf.compat.v1
    with tf.Graph().as_default(), v1.Session() as session:
        serialized = v1.placeholder(tf.string, [None], name="tf_example")
        feature = {"x": tf.io.FixedLenFeature([1], tf.float32)}
        x = v1.identity(tf.io.parse_example(serialized, feature)["x"], name="x")
        half = v1.get_variable("a", initializer=0.5)
        two = v1.get_variable("b", initializer=2.0)
        y = tf.add(half * x, two, name="y")
        session.run(v1.global_variables_initializer())
        sign = v1.saved_model.signature_def_utils
        builder = v1.saved_model.Builder(str(target))
        builder.add_meta_graph_and_variables(
            session,
            ["serve"],
            signature_def_map={
                "regress_x_to_y": sign.regression_signature_def(serialized, y),
                "serving_default": sign.predict_signature_def({"x": x}, {"y": y}),
            },
        )
        builder.save()


def write(directory: Path) -> None:
    """Numbers, each with the tf.train.Example that the model takes."""
    directory.mkdir(parents=True)
    with (directory / "numbers.json").open("w") as file:
        for x in NUMBERS:
            example = base64.b64encode(ms.example(x=float(x))).decode()
            file.write(json.dumps({"x": x, "example": example}) + "\n")


def show() -> None:
    """The numbers and what the model made of them."""
    lines = [line for part in OUT.rglob("part-*") for line in part.read_text().splitlines()]
    found = sorted((record["x"], record["y"]) for record in map(json.loads, lines))
    rows = [(f"{x:.0f}", f"{y:.1f}", "*".rjust(round(y * 8))) for x, y in found]
    print(aligned(("X", "Y", "0.5 X + 2"), rows))


if __name__ == "__main__":
    sys.exit(reported(main))
