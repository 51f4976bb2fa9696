"""What lets a token know of the others: self-attention, channel attention, or nothing."""

import pytest
import torch

from ablations import Attention, attach
from ablations.subjects.tasks.transformers.module import TokenClassifier


def tokens_moved(mixing: str, **attention: object) -> int:
    """Of 16 tokens, how many the layers give otherwise after a change in the first patch."""
    torch.manual_seed(0)
    network = TokenClassifier(width=4, mixing=mixing).network.eval()
    x = torch.randn(1, 1, 16, 16)
    attach(network, at="layers.?.mixing", attention=Attention(**attention), example=x, seed=0)
    seen = []
    network.norm.register_forward_pre_hook(lambda module, given: seen.append(given[0]))
    changed = x.clone()
    changed[..., :4, :4] += 1
    with torch.no_grad():
        network(x), network(changed)
    return int(((seen[0] - seen[1]).abs().amax(2) > 1e-6).sum())


@pytest.mark.parametrize(
    ("mixing", "attention", "moved"),
    [
        ("self_attention", {"placement": "none"}, 16),
        ("none", {"placement": "none"}, 1),
        ("none", {"reduction": 4}, 16),
        ("none", {"reduction": 4, "squeeze": "none"}, 1),
        ("self_attention", {"reduction": 4, "placement": "pre"}, 16),
    ],
)
def test_what_a_token_sees(mixing: str, attention: dict[str, object], moved: int) -> None:
    assert tokens_moved(mixing, **attention) == moved
