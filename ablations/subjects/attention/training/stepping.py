"""The Lightning module of a run that trains in step with others of its process."""

from typing import Any

from torch import Tensor

from ablations.lockstep import Lockstep
from ablations.subjects.attention.settings.groups import Attention, Training
from ablations.subjects.attention.settings.rules import has_own_parts
from ablations.subjects.attention.stacking.rules import structure
from ablations.subjects.attention.stacking.step import Part, Stack, train_in_step
from ablations.subjects.attention.stacking.tensors import Gradients
from ablations.subjects.attention.training.module import AttentionClassifier


class SteppingClassifier(AttentionClassifier):
    """An `AttentionClassifier` whose steps are computed together with those of the process's other runs.

    Everything else (optimiser, schedule, validation, checkpoints) is its own. A run without a mate of its
    structure, and a batch with a mask, are computed alone; and so is a compiled network, attention of the user's
    own, which may draw random numbers, and a recipe with mixed images, with several batches to a step, or in less
    than full precision.

    Args:
        lockstep: Where the runs meet; this thread must have joined it.
        given: As for `AttentionClassifier`.
    """

    def __init__(self, lockstep: Lockstep, **given: Any) -> None:
        super().__init__(**given)
        self.most = 1
        """Runs in its largest step so far."""
        self._lockstep = lockstep
        settings = {name: given[name] for name in Attention.model_fields if name in given}
        alone = has_own_parts(Attention(**settings)) or not _steps_together(self.recipe)
        self._structure = None if alone else structure(self.network)
        self._stack: Stack | None = None
        self._gradients: Gradients = []

    def training_step(self, batch: tuple[Tensor, ...], batch_idx: int) -> Tensor:
        """Mean loss of the batch; its gradients are there already where it has mates."""
        x, y, *mask = batch
        part = Part(
            network=self.network,
            structure=None if mask else self._structure,
            x=x,
            y=y,
            label_smoothing=self.recipe.label_smoothing,
            stack=self._stack,
        )
        self._lockstep.meet(part, train_in_step)
        self._gradients = part.gradients
        if part.error is not None:
            raise part.error
        # Without a mate it lets go of the networks that it was with.
        self._stack = None if part.loss is None else part.stack
        if part.loss is None:
            return super().training_step(batch, batch_idx)
        assert part.stack is not None
        self.most = max(self.most, len(part.stack.networks))
        self._sums["train"].add(part.loss * len(y), len(y))
        return part.loss

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Its own tensors only: of a part of a tensor torch would write the whole, with all mates' weights."""
        super().on_save_checkpoint(checkpoint)
        for part in {"state_dict", "current_model_state"} & checkpoint.keys():
            checkpoint[part] = {name: tensor.clone() for name, tensor in checkpoint[part].items()}

    def backward(self, loss: Tensor, *args: Any, **kwargs: Any) -> None:
        """The gradients of the loss, or those that the step gave."""
        if not self._gradients:
            super().backward(loss, *args, **kwargs)
            return
        for parameter, gradient in self._gradients:
            parameter.grad = gradient
        self._gradients = []


def _steps_together(recipe: Training) -> bool:
    plain = recipe.compile == "none" and recipe.precision == "32" and recipe.accumulate == 1
    return plain and not (recipe.mixup or recipe.cutmix or recipe.stochastic_depth)
