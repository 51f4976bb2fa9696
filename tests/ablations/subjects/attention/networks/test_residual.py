import pytest

from ablations.subjects.attention.networks.residual import chain

PLAIN = ("conv1", "bn1", "act", "conv2", "bn2", "activated_inner", "conv3", "bn3")
PREACT = ("bn1", "act", "conv1", "bn2", "act", "conv2", "bn3", "activated_inner", "conv3")


@pytest.mark.parametrize(("preact", "steps"), [(False, PLAIN), (True, PREACT)])
def test_a_bottleneck_has_norm_and_activation_where_its_paper_has_them(
    preact: bool, steps: tuple[str, ...]
) -> None:
    assert chain(3, preact=preact) == steps
