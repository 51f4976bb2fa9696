"""Published recipes by name: what each says of the training and of the data.

A name stands for these values, and a setting that is given beside it takes precedence. The name is no part of a
run's identity, the values are.
"""

from typing import Any

RECIPES: dict[str, dict[str, Any]] = {
    "own": {},
    # SENet (arXiv 1709.01507, section 5): SGD, batch 1024, 0.6 divided by 10 every 30 of 100 epochs. The decay
    # of weights is ResNet's; the text does not state it.
    "senet_imagenet": {
        "training.epochs": 100,
        "training.batch_size": 1024,
        "training.optimizer": "sgd",
        "training.learning_rate": 0.6,
        "training.momentum": 0.9,
        "training.weight_decay": 1e-4,
        "training.schedule": "step",
        "training.decay_at": "30,60,90",
        "training.decay_factor": 0.1,
        "training.warmup_epochs": 0,
        "data.augmentation": "random_resized_crop+flip",
    },
    # SENet, section 5.2: the hyperparameters of the original papers, here ResNet's on CIFAR (arXiv 1512.03385,
    # section 4.2: 0.1 divided by 10 at 32 000 and 48 000 of 64 000 steps of 128), in whole epochs.
    "senet_cifar": {
        "training.epochs": 164,
        "training.batch_size": 128,
        "training.optimizer": "sgd",
        "training.learning_rate": 0.1,
        "training.momentum": 0.9,
        "training.weight_decay": 1e-4,
        "training.schedule": "step",
        "training.decay_at": "82,123",
        "training.decay_factor": 0.1,
        "training.warmup_epochs": 0,
        "data.augmentation": "crop_flip",
    },
    # torchvision's recipe of its second ImageNet weights, but for repeated sampling.
    "torchvision_v2": {
        "training.epochs": 600,
        "training.batch_size": 1024,
        "training.optimizer": "sgd",
        "training.learning_rate": 0.5,
        "training.momentum": 0.9,
        "training.weight_decay": 2e-5,
        "training.norm_weight_decay": 0.0,
        "training.schedule": "cosine",
        "training.warmup_epochs": 5,
        "training.label_smoothing": 0.1,
        "training.mixup": 0.2,
        "training.cutmix": 1.0,
        "training.ema_decay": 0.9999,
        "data.augmentation": "random_resized_crop+flip+trivial_augment_wide+erasing",
    },
    # For a first answer in a tenth of the time.
    "short": {
        "training.epochs": 16,
        "training.batch_size": 128,
        "training.optimizer": "sgd",
        "training.learning_rate": 0.2,
        "training.momentum": 0.9,
        "training.weight_decay": 5e-4,
        "training.schedule": "one_cycle",
        "training.warmup_epochs": 4,
        "training.label_smoothing": 0.1,
        "data.augmentation": "crop_flip",
    },
}


def of_recipe(name: Any, group: str) -> dict[str, Any]:
    """What a recipe says of one group, `training` or `data`; nothing for a name that there is not."""
    values = RECIPES.get(name, {}) if isinstance(name, str) else {}
    return {
        field: value
        for whole, value in values.items()
        for at, _, field in [whole.partition(".")]
        if at == group
    }
