"""One of two processes that train a run together: `python one_of_two.py FOLDER STOP_AFTER KILL_AT_STEP`.

Its rank is in RANK.
"""

import os
import sys
from pathlib import Path

import torch
from prices import Folder, Houses, Interrupted, Prices
from torch import Tensor
from torch.nn import functional as F

from ablations.subjects.lightning import epoch_watch
from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit
from ablations.subjects.lightning.pairing.construct import construct


class Shared(Prices):
    """Its validation is a mean over both."""

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        error = F.l1_loss(self.net(batch[0])[:, 0], batch[1])
        self.log("val_mae", error, sync_dist=True)


epoch_watch.TOGETHER = 1  # each has three batches an epoch
context = Folder(Path(sys.argv[1]), stop_after=int(sys.argv[2]), kill_at_step=int(sys.argv[3]))
context.rank, context.world_size = int(os.environ["RANK"]), 2
module = construct(Shared, seed=1).module
try:
    outcome = fit(
        module,
        Houses(),
        rule=EpochRule(metric="val_mae"),
        trainer_options={"max_epochs": 3},
        seed=1,
        context=context,
        checkpoint_seconds=0,
        checkpoint_minutes=0,
    )
    weights = torch.cat([one.flatten() for one in module.parameters()]).tolist()
    logged = context.records[-2]["train/mse_epoch"]  # a mean of each process's own
    print(context._steps, logged, outcome.metrics["val_mae"], *weights)  # noqa: T201 - to the test
except Interrupted:
    print("interrupted")  # noqa: T201 - as above
sys.stdout.flush()
os._exit(0)  # the other may be gone already
