"""A second subject, of twenty lines: how high a parabola lies at x, seen through the noise of a seed."""

import random

from ablations import Metric, Setting, Subject


def train(settings, context):
    arm, noise = settings["arm"], random.Random(settings["seed"]).gauss(0, 0.1)
    for epoch in range(1, 4):
        height = arm["curve"]["steepness"] * (arm["x"] - 2) ** 2 + 1 / epoch + noise
        height += 0.5 * (arm["curve"]["kind"] == "raised")
        context.epoch({"epoch": epoch, "height": height, "slope": -1 / epoch**2})
    return {"epochs_run": 3, "height": height, "slope": -1 / 9, "device": "cpu"}


SUBJECT = Subject(
    name="toy:SUBJECT",
    train="toy:train",
    settings={
        "x": Setting(default=2.0, kinds=frozenset({float})),
        "curve.steepness": Setting(default=1.0, kinds=frozenset({float})),
        "curve.kind": Setting(default="plain", kinds=frozenset({str}), choices=("plain", "raised")),
    },
    metrics=(
        Metric(name="height", direction="minimize", unit="m"),
        Metric(name="slope", direction="maximize"),
    ),
    metric="height",
    epochs=lambda arm: 3,
)
