"""One of the processes that train a run of the built-in classifier together: prints the records of its epochs.

Its rank is in RANK, their number in WORLD_SIZE.
"""

import json
import os
import sys
from typing import Any

from ablations.subjects.attention.settings.groups import (
    Arm,
    Attention,
    Backbone,
    Data,
    Run,
    Training,
)
from ablations.subjects.attention.training.run import train

arm = Arm(
    # Batch norm would see each process's share alone.
    backbone=Backbone(name="small_vit", width=4),
    attention=Attention(reduction=4),
    data=Data(name="noise:thirds", val_fraction=0.2),
    training=Training(batch_size=6, warmup_epochs=0, epochs=2, learning_rate=0.02),
)
records: list[dict[str, Any]] = []
train(
    Run(arm=arm, seed=0),
    rank=int(os.environ["RANK"]),
    world_size=int(os.environ["WORLD_SIZE"]),
    on_epoch=records.append,
)
sys.stdout.write(json.dumps(records) + "\n")
