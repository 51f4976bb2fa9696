"""What is said where the ratios that were tested do not carry an r* that is narrow."""

import numpy as np
import pytest

from analysis.sequential.until_width.rule import width_at
from analysis.sequential.until_width.seeds import seeds_for_width
from analysis.sequential.until_width.words import what_would_carry

RULE = {
    "ratios": {"a": 1.0, "b": 4.0, "c": 8.0}, "target_width": 0.3, "wider": 1.2, "first_look": 5, "max_seeds": 6,
}  # fmt: skip


def look(slopes: list[float]) -> dict[str, object]:
    ratios: dict[str, float] = RULE["ratios"]  # type: ignore[assignment]
    return width_at(RULE, {arm: [k * r**2 / 2 for k in slopes] for arm, r in ratios.items()})


def test_a_look_says_how_many_seeds_would_do() -> None:
    found = look([1.0, 1.8, 0.4, 1.5, 0.3])
    many, low, high = seeds_for_width(RULE, found)
    assert found["progress"] == (
        f"{found['says']}; about {many:.0f} whole seeds would do ({low:.0f} or more with 80 %)"
        if np.isinf(high)
        else f"{found['says']}; about {many:.0f} whole seeds would do (between {low:.0f} and {high:.0f} with 80 %)"
    )
    assert found["seeds_expected"] == many
    flat = look([-1.0, 0.5, -0.6, 0.2, 0.1])
    assert str(flat["progress"]).endswith("; the loss does not rise with the ratio so far")
    assert "progress" not in look([1.0, 1.01, 0.99, 1.0, 1.02])


def test_a_larger_ratio_is_spoken_of_where_the_channels_have_room_for_it() -> None:
    found = look([1.0, 1.8, 0.4, 1.5, -0.9])
    many = seeds_for_width(RULE, found)[0]
    said = what_would_carry(RULE, found, narrowest=16)
    fewer = int(said.partition("about ")[2].partition(" ")[0])
    assert said.startswith("With the ratio 16 as well, if the loss rises on as r², about ")
    assert fewer < many / 3
    assert "blocks of 8 channels have room for 8 and no 16: make the network wider" in what_would_carry(
        RULE, found, narrowest=8
    )  # fmt: skip


@pytest.mark.parametrize("narrowest", [None, 64])
def test_a_loss_that_does_not_rise_is_not_promised_to(narrowest: float | None) -> None:
    said = what_would_carry(RULE, look([-1.0, 0.5, -0.6, 0.2, 0.1]), narrowest=narrowest)
    assert said == "A larger ratio, as 16, would tell whether it rises at all."
