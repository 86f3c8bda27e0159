"""Train a fraud model in seconds, let modelstream.yaml ask about its scores: ``demo.py``."""

import json
import shutil
import sys
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from modelstream.cli import reported
from modelstream.cli.quiet import quiet
from modelstream.cli.run import Request, run
from modelstream.cli.table import aligned

HERE = Path(__file__).resolve().parent
REPOSITORY = HERE.parent.parent
WORK = REPOSITORY / ".build" / "sql-scores"
OUT = REPOSITORY / "out" / "sql-scores"
PAYMENTS = 2000
DAY = datetime(2026, 5, 1)
Array = npt.NDArray[Any]


def main() -> int:
    """Train, run, show."""
    for directory in (WORK, OUT):
        shutil.rmtree(directory, ignore_errors=True)
    with quiet():
        train(WORK / "model")
    write(WORK / "payments")
    shutil.copytree(WORK / "payments", OUT / "payments")
    run(
        Request(
            HERE / "modelstream.yaml",
            models={"fraud": str(WORK / "model")},
            mounts={"data": OUT},  # what is /data on a cluster
        )
    )
    show()
    print(f"\nJSON lines: {OUT.relative_to(REPOSITORY)}/")
    return 0


def payments(n: int, seed: int) -> tuple[dict[str, Array], Array]:
    """A day of them, and which are fraud: large ones, far from the last, mostly at night."""
    rng = np.random.default_rng(seed)
    stolen = rng.random(n) < 0.04
    second = np.where(stolen, rng.normal(3, 1.5, n) % 24, rng.normal(14, 4, n) % 24) * 3600
    features = {
        "amount": np.where(stolen, rng.lognormal(6, 0.6, n), rng.lognormal(3.2, 0.8, n)),
        "distance": np.where(stolen, rng.gamma(4, 400, n), rng.gamma(1, 15, n)),
        "second": second,
    }
    return features, stolen


def train(target: Path) -> None:
    """A logistic regression on logarithms and the hour, exported with one input a feature."""
    import tensorflow as tf

    features, stolen = payments(20_000, seed=1)
    weights = fitted(
        columns(features["amount"], features["distance"], features["second"] / 3600), stolen
    )
    one_number = tf.TensorSpec([None], tf.float32)

    class Fraud(tf.Module):  # type: ignore[misc]  # TensorFlow has no types
        def __init__(self) -> None:
            self.weights = tf.Variable(weights, dtype=tf.float32)

        @tf.function(input_signature=[one_number] * 3)
        def __call__(self, amount: tf.Tensor, distance: tf.Tensor, hour: tf.Tensor) -> Any:
            angle = hour * float(np.pi / 12)
            inputs = [tf.math.log1p(amount), tf.math.log1p(distance), tf.sin(angle), tf.cos(angle)]
            logits = tf.linalg.matvec(tf.stack(inputs, axis=1), self.weights[1:]) + self.weights[0]
            return {"score": tf.sigmoid(logits)}

    model = Fraud()
    tf.saved_model.save(model, str(target), signatures={"serving_default": model.__call__})


def columns(amount: Array, distance: Array, hour: Array) -> Array:
    """What the regression sees of a payment: a one, and four numbers."""
    angle = hour * np.pi / 12
    inputs = [np.ones(len(amount)), np.log1p(amount), np.log1p(distance), np.sin(angle)]
    return np.stack([*inputs, np.cos(angle)], axis=1)


def fitted(inputs: Array, wanted: Array) -> Array:
    """The weights of a logistic regression, by Newton's method."""
    weights = np.zeros(inputs.shape[1])
    for _ in range(15):
        score = 1 / (1 + np.exp(-inputs @ weights))
        slope = inputs.T @ (wanted - score) - 0.1 * weights
        curvature = (inputs.T * (score * (1 - score))) @ inputs + 0.1 * np.eye(len(weights))
        weights += np.linalg.solve(curvature, slope)
    return weights


def write(directory: Path) -> None:
    """Another day of payments, in the order of time."""
    directory.mkdir(parents=True)
    features, stolen = payments(PAYMENTS, seed=2)
    with (directory / "payments.json").open("w") as file:
        for number, at in enumerate(np.argsort(features["second"])):
            paid = DAY + timedelta(seconds=float(features["second"][at]))
            payment = {
                "id": number,
                "card": f"{'stolen' if stolen[at] else 'mine'}-{number % 97:02}",
                "amount": round(float(features["amount"][at]), 2),
                "distance": round(float(features["distance"][at]), 1),
                "paid": f"{paid:%Y-%m-%d %H:%M:%S}",
            }
            file.write(json.dumps(payment) + "\n")


def show() -> None:
    """The hours of the day, and the payments that are worth a call."""
    hours = sorted(records("hours"), key=lambda hour: str(hour["begins"]))
    rows = [
        (
            hour["begins"][11:16],
            str(hour["payments"]),
            str(hour["suspicious"]),
            f"{hour['euros']:.0f}",
            "#" * hour["suspicious"] + "." * (hour["payments"] // 5),
        )
        for hour in hours
    ]
    print(aligned(("HOUR", "PAYMENTS", "SUSPICIOUS", "EUROS", "# SUSPICIOUS  . FIVE OTHERS"), rows))
    found = sorted(records("suspicious"), key=lambda payment: -float(payment["score"]))
    right = sum(payment["card"].startswith("stolen") for payment in found)
    top = [
        (p["paid"][11:16], p["card"], f"{p['amount']:.2f}", f"{p['score']:.4f}") for p in found[:5]
    ]
    print("\n" + aligned(("PAID", "CARD", "EUROS", "SCORE"), top))
    print(f"\n{len(found)} of {PAYMENTS} payments are suspicious; {right} of them are stolen cards")


def records(name: str) -> list[dict[str, Any]]:
    """The JSON lines of a sink."""
    parts = (OUT / name).rglob("part-*")
    return [json.loads(line) for part in parts for line in part.read_text().splitlines()]


if __name__ == "__main__":
    sys.exit(reported(main))
