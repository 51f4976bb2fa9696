"""The training recipe's hyperparameters, for an adaptive search."""

from ablations import Arm, Attention, Factor, Space

space = Space(
    name="recipe",
    question="Which learning rate, weight decay and batch size suit the network?",
    baseline=Arm(attention=Attention(reduction=4)),
    factors=(
        Factor(name="training.learning_rate", low=1e-3, high=1.0, log=True),
        Factor(name="training.weight_decay", low=1e-5, high=1e-2, log=True),
        Factor(name="training.batch_size", levels=(16, 32, 64, 128, 256)),
    ),
)
