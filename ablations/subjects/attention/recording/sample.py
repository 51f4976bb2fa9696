"""Which validation examples are looked at, and how many pass the network at once."""

from collections.abc import Iterator

import torch

from ablations.subjects.attention.data.batches import validation_batch
from ablations.subjects.attention.data.examples import Examples, Labelled

MOST_EXAMPLES = 512
MOST_AT_ONCE = 256
MOST_NUMBERS = 2**20
"""In the inputs of one pass: gradients need every map of the network for them."""


def stratified(examples: Labelled, count: int) -> Examples:
    """Every k-th of the order by class, so that each class keeps its share; so many of them."""
    order = torch.argsort(examples.y, stable=True)
    return examples[order[torch.linspace(0, len(order) - 1, count, device=order.device).long()]]


def parts(examples: Examples) -> Iterator[tuple[slice, Examples]]:
    """The examples of each pass, and where they are among all."""
    fit = MOST_NUMBERS // max(1, examples.x[0].numel())
    largest = max(2, min(MOST_AT_ONCE, fit))
    # A shuffled gate needs another example: no pass may have one alone.
    size = validation_batch(len(examples), largest=largest)
    for begin in range(0, len(examples), size):
        mine = slice(begin, begin + size)
        yield mine, examples[mine]
