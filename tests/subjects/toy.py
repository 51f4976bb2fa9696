"""A second subject, of twenty lines: how high a parabola lies at x, seen through noise."""

import random

from ablations import Metric, Setting, Subject


def train(settings, context):
    arm, seed = settings["arm"], settings["seed"]
    noise = random.Random(seed).gauss(0, 0.1) + random.Random(f"{arm} {seed}").gauss(0, 0.05)
    height = arm["curve"]["steepness"] * (arm["x"] - 2) ** 2 + noise
    height += 0.5 * (arm["curve"]["kind"] == "raised")
    for epoch in range(1, 4):
        context.epoch({"epoch": epoch, "height": height + 1 / epoch, "slope": -1 / epoch})
    return {"epochs_run": 3, "height": height + 1 / 3, "slope": -1 / 3, "device": "cpu"}


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
