import torch

from ablations.subjects.attention.settings.groups import Training
from ablations.subjects.attention.training.mixing import mix


def labelled(n: int = 64, size: tuple[int, ...] = (10, 12)) -> tuple[torch.Tensor, torch.Tensor]:
    """Images that are their label everywhere."""
    y = torch.arange(n)
    return y.reshape(n, 1, *(1 for _ in size)).expand(n, 2, *size).float(), y


def test_mixup_is_a_mean_of_two_with_the_share_of_their_labels() -> None:
    torch.manual_seed(0)
    x, y = labelled()
    mixed = mix(x, y, Training(mixup=1.0))
    wanted = mixed.own * y + (1 - mixed.own) * mixed.other
    assert torch.allclose(mixed.x, wanted.reshape(-1, 1, 1, 1).expand_as(x), atol=1e-4)
    assert sorted(mixed.other.tolist()) == y.tolist()


def test_cutmix_has_as_much_of_the_other_image_as_of_its_label() -> None:
    for seed in range(20):
        torch.manual_seed(seed)
        x, y = labelled()
        mixed = mix(x, y, Training(cutmix=1.0))
        foreign = mixed.x == mixed.other.reshape(-1, 1, 1, 1)
        own = mixed.x == y.reshape(-1, 1, 1, 1)
        assert (own | foreign).all()
        moved = mixed.other != y
        assert torch.allclose(own[moved].float().mean((1, 2, 3)), torch.tensor(mixed.own))


def test_of_both_a_coin_says_which() -> None:
    kinds = set()
    x, y = labelled(size=(30,))
    for seed in range(12):
        torch.manual_seed(seed)
        mixed = mix(x, y, Training(mixup=1.0, cutmix=1.0))
        kinds.add(bool(((mixed.x == x) | (mixed.x == mixed.other.reshape(-1, 1, 1))).all()))
    assert kinds == {True, False}


def test_the_share_has_the_mean_and_the_spread_of_its_distribution() -> None:
    torch.manual_seed(1)
    x, y = labelled(4, size=(2,))
    shares = torch.tensor([mix(x, y, Training(mixup=0.5)).own for _ in range(2000)])
    assert abs(shares.mean() - 0.5) < 0.03
    assert abs(shares.var() - 1 / 8) < 0.01  # of Beta(a, a): 1 / (4 (2 a + 1))
