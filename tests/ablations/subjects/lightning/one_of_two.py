"""One of two processes that train a run together: `python one_of_two.py FOLDER STOP_AFTER`; its rank is in RANK."""

import os
import sys
from pathlib import Path

import torch
from prices import Folder, Houses, Interrupted, Prices
from torch import Tensor
from torch.nn import functional as F

from ablations.subjects.lightning.epoch_rule import EpochRule
from ablations.subjects.lightning.fit import fit
from ablations.subjects.lightning.pairing.construct import construct


class Shared(Prices):
    """Its validation is a mean over both."""

    def validation_step(self, batch: list[Tensor], _: int) -> None:
        error = F.l1_loss(self.net(batch[0])[:, 0], batch[1])
        self.log("val_mae", error, sync_dist=True)


context = Folder(Path(sys.argv[1]), stop_after=int(sys.argv[2]))
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
    )
    weights = torch.cat([one.flatten() for one in module.parameters()]).tolist()
    print(outcome.metrics["val_mae"], *weights)  # noqa: T201 - to the test
except Interrupted:
    print("interrupted")  # noqa: T201 - as above
sys.stdout.flush()
os._exit(0)  # the other may be gone already
