"""The bare PyTorch loop: the same arithmetic, layout and optimiser as a run's `train`, nothing else.

For `training_overhead.py`, which imports it; nobody starts this file.
"""

import torch
from torch.nn import functional as F

from ablations.subjects.attention.data.batches import Batches
from ablations.subjects.attention.data.examples import Split
from ablations.subjects.attention.settings.groups import Run
from ablations.subjects.attention.training.module import AttentionClassifier
from ablations.subjects.attention.training.optimisers import make_optimiser
from ablations.subjects.attention.training.schedules import warmup_cosine


def bare_loop(run: Run, split: Split) -> float:
    """Train and return the validation loss of the last epoch, nats per image.

    Validates after every epoch, as the run it is compared with does.
    """
    recipe = run.arm.training
    module = AttentionClassifier(
        in_channels=split.in_channels,
        classes=split.classes,
        backbone=run.arm.backbone,
        seed=run.seed,
        **run.arm.attention.model_dump(),
    ).to(memory_format=torch.channels_last)
    network = module.network
    optimiser = make_optimiser(network, recipe)
    epoch = 0
    batches = Batches(split.train, batch_size=recipe.batch_size, seed=run.seed, epoch=lambda: epoch)
    steps = recipe.epochs * len(batches)
    factor = warmup_cosine(steps=steps, warmup=steps * recipe.warmup_epochs // recipe.epochs)
    step, loss = 0, 0.0
    for epoch in range(recipe.epochs):  # noqa: B007 - read by `batches`
        network.train()
        for x, y in batches:
            for group in optimiser.param_groups:
                group["lr"] = recipe.learning_rate * factor(step)
            optimiser.zero_grad()
            F.cross_entropy(network(x), y, label_smoothing=recipe.label_smoothing).backward()
            optimiser.step()
            step += 1
        network.eval()
        with torch.no_grad():
            total = F.cross_entropy(network(split.val.x), split.val.y, reduction="sum")
        loss = float((total.double() / len(split.val.y)).float())
    return loss
