"""Functions that a user may train with: one that keeps every promise, and one for each that is broken."""

import json
import os
import random
import sys

KEPT = [0]


def _epochs(config, context, *, noise=lambda: 0.0):
    path = context.folder / "mine.json"
    done, total = json.loads(path.read_text()) if path.exists() else (0, 0.0)
    for epoch in range(done, config["epochs"]):
        drawn = random.Random(f"{config['seed']}/{epoch}").random() + noise()
        total += drawn
        path.write_text(json.dumps([epoch + 1, total]))
        yield {"epoch": epoch + 1, "loss": total}


def good(config, seed, context):
    yield from _epochs({**config, "seed": seed}, context)


def seedless(config, seed, context):
    yield from _epochs({**config, "seed": 0}, context)


def tossed(config, seed, context):
    toss = lambda: int.from_bytes(os.urandom(4), "big")  # noqa: E731
    yield from _epochs({**config, "seed": seed}, context, noise=toss)


def carries(config, seed, context):
    KEPT[0] += 1
    yield from _epochs({**config, "seed": seed}, context, noise=lambda: KEPT[0])


def forgets(config, seed, context):
    """What was counted before an interruption is lost."""
    seen = []
    yield from _epochs({**config, "seed": seed}, context, noise=lambda: seen.append(1) or len(seen))


def whole(config, seed):
    return {"loss": random.random()}


def dies(settings, context):
    sys.stderr.write("my last words\n")
    sys.stderr.flush()
    os._exit(3)


def fails(config, seed):
    return {"loss": 1 / config["epochs"] / 0}


def steps(config, seed, context):
    """Tells of its steps, and of its orderly end, which a kill leaves out."""
    try:
        for epoch in range(2):
            for step in range(3):
                with (context.folder / "steps.txt").open("a") as file:
                    file.write(f"{epoch}{step} ")
                context.beat()
            yield {"loss": seed + epoch}
    finally:
        (context.folder / "ended.txt").touch()
