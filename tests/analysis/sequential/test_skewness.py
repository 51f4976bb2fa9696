"""A false *negligible* under skewed noise: the report says that it may be one."""

import numpy as np
import pandas as pd
import pytest

from analysis.sequential.simulated import NEGLIGIBLE, sequential
from analysis.sequential.skewness import said_of_skewness, skewness_p

RULE = {"baseline": "base", "comparisons": [{"arm": "arm"}]}


def told(x: np.ndarray, *, pairs: int) -> bool:
    values = {"base": [0.0] * pairs, "arm": x[:pairs].tolist()}
    frame = pd.DataFrame({"verdict": ["negligible"], "pairs": [pairs]})
    return bool(said_of_skewness(frame, skewness_p(RULE, values)))


def test_most_false_verdicts_under_log_normal_noise_are_doubted() -> None:
    # One arm with three times the baseline's noise, its effect at the margin: the worst cell of docs/until.md.
    stream = np.random.default_rng(3)
    noise = (stream.lognormal(size=(600, 20, 2)) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e)
    x = (3 * noise[..., 1:] - noise[..., :1]) / np.sqrt(10) + 1.0
    ran = sequential(x, margin=1.0)
    false = np.flatnonzero(ran.verdict[:, 0] == NEGLIGIBLE)
    doubted = [told(x[s, :, 0], pairs=int(ran.seeds[s, 0])) for s in false]
    assert len(false) > 20
    assert np.mean(doubted) > 0.65
    # Whatever is said of none of them: at most 5 % of all studies.
    assert (len(false) - sum(doubted)) / len(x) < 0.03


@pytest.mark.parametrize(("noise", "share"), [("normal", 0.1), ("log-normal", 0.5)])
def test_skewness_of_twenty_pairs_is_seen_where_it_is(noise: str, share: float) -> None:
    stream = np.random.default_rng(4)
    drawn = stream.normal(size=(40, 20)) if noise == "normal" else stream.lognormal(size=(40, 20))
    seen = np.mean([told(row, pairs=20) for row in drawn])
    assert (seen > share) == (noise == "log-normal")
