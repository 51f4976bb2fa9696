"""How the networks of our tasks learn: AdamW, whose rate falls as a half cosine over the run."""

import lightning.pytorch as pl
from lightning.pytorch.utilities.types import OptimizerLRScheduler
from torch.optim import AdamW
from torch.optim.lr_scheduler import CosineAnnealingLR


def cosine(module: pl.LightningModule, *, rate: float, decay: float) -> OptimizerLRScheduler:
    """What `configure_optimizers` returns; the last step of the run has a rate of nearly 0.

    Args:
        module: Whose parameters learn, within a Trainer.
        rate: At the start.
        decay: Weight decay, of weights only: a decayed gate or batch norm would be another model.
    """
    named = [p for p in module.parameters() if p.requires_grad]
    groups = [
        {"params": [p for p in named if p.dim() > 1], "weight_decay": decay},
        {"params": [p for p in named if p.dim() <= 1], "weight_decay": 0.0},
    ]
    # All parameters together: bit for bit the usual step, in two thirds of its time on CPUs.
    optimizer = AdamW([group for group in groups if group["params"]], lr=rate, foreach=True)
    steps = max(1, int(module.trainer.estimated_stepping_batches))
    schedule = CosineAnnealingLR(optimizer, T_max=steps)
    return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}
