"""Functions to study that take no time."""

import os
import random
from pathlib import Path


def score(config, seed):
    reduction, gate = config["attention"]["reduction"], config["gate"]
    if gate == "fails" and "SCORES_FAIL" in os.environ:
        raise ValueError("as asked")
    if gate == "unmounted":
        Path("data.txt").read_text()
    own = random.Random(f"{reduction} {gate} {seed}").random()
    shared = random.Random(f"{seed}").random()
    for epoch in (1, 2):
        yield {"val_loss": 0.1 + 0.001 * reduction**1.5 + 0.01 * shared + 0.001 * own + 0.1 / epoch}
