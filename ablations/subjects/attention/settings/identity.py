"""Who a run of the attention subject is: what its ids leave out.

The neutral value of each setting is frozen here for ever: changing a default in `settings` changes no old id,
and a new setting with a neutral value changes none either.
"""

from typing import Any

from ablations.subjects import ids
from ablations.subjects.attention.settings.arms import inactive, values_of
from ablations.subjects.attention.settings.groups import Arm

# Never edit a line; add one when a setting is added, with the value that means "as before".
NEUTRAL: dict[str, Any] = {
    "attention.placement": "standard",
    "attention.order": "before",
    "attention.reduction": 16.0,
    "attention.squeeze": "avg",
    "attention.gate": "sigmoid",
    "attention.bias": False,
    "attention.stages": "all",
    "attention.blocks": "all",
    "attention.kind": "squeeze_excite",
    "attention.control": "none",
    "attention.ratio": None,
    "attention.hidden": None,
    "attention.reduction_base": "own",
    "attention.rounding": "exact",
    "attention.divisor": 8,
    "attention.round_limit": 0.9,
    "attention.min_hidden": None,
    "attention.squeeze_power": 3.0,
    "attention.excitation": "bottleneck",
    "attention.activation": "relu",
    "attention.norm": "none",
    "attention.eca_kernel": None,
    "attention.eca_circular": False,
    "attention.affine": False,
    "attention.temperature": 1.0,
    "attention.gain": "own",
    "attention.residual": False,
    "attention.init": "default",
    "attention.opening": 0.9,
    "attention.extent": 0,
    "attention.gather": "mean",
    "attention.spatial_kernel": 7,
    "backbone.name": "cifar_resnet8",
    "backbone.width": 16,
    "backbone.shortcut": "pad",
    "data.name": "digits",
    "data.val_fraction": 0.3,
    "data.split_seed": 0,
    "data.augmentation": "none",
    "training.epochs": 30,
    "training.batch_size": 64,
    "training.optimizer": "sgd",
    "training.learning_rate": 0.1,
    "training.weight_decay": 5e-4,
    "training.momentum": 0.9,
    "training.warmup_epochs": 3,
    "training.label_smoothing": 0.0,
    "training.attention_learning_rate": 1.0,
    "training.attention_weight_decay": 1.0,
    "training.compile": "none",
    "attention.eca_permuted": False,
    "training.schedule": "cosine",
    "training.decay_at": "15,25",
    "training.decay_factor": 0.1,
    "training.patience": 5,
    "training.norm_weight_decay": 1.0,
    "training.mixup": 0.0,
    "training.cutmix": 0.0,
    "training.clip_norm": 0.0,
    "training.accumulate": 1,
    "training.ema_decay": 0.0,
    "training.precision": "32",
    "data.split": "fixed",
    "data.folds": 5,
    "data.test": "none",
    "data.image_size": None,
    "data.image_share": 0.875,
    "data.skip_corrupt": False,
    "training.stochastic_depth": 0.0,
}

# Where the files lie says nothing about what is in them, the fingerprint does; looking changes nothing, and neither
# does how images come to the network; and what a recipe stands for is in the other settings.
NOT_IDENTITY = frozenset(
    {
        "data.root",
        "data.test_root",
        "data.stream",
        "data.workers",
        "training.record_gates",
        "training.measure_latency",
        "training.recipe",
    }
)


def canonical(arm: Arm) -> dict[str, Any]:
    """The settings that make the arm what it is, as sorted dotted names; 8 and 8.0 are one value."""
    return ids.canonical(values_of(arm), left_out=inactive(arm) | NOT_IDENTITY, neutral=NEUTRAL)


def arm_id(arm: Arm, fingerprint: str) -> str:
    """Ten hexadecimal digits that name the arm on every machine.

    Args:
        arm: The settings.
        fingerprint: Hash of the data's content (`data.dataset.fingerprint`).
    """
    return ids.digest(canonical(arm), data=fingerprint)


def run_id(arm: Arm, seed: int, fingerprint: str) -> str:
    """Ten hexadecimal digits that name the arm with this seed on every machine."""
    return ids.digest(canonical(arm), data=fingerprint, seed=seed)
