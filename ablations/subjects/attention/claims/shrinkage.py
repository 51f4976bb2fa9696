"""Gates as shrinkage: what attenuating a noisy estimate does to its error.

Notation: channel i measures mu_i with the noise sigma_i; the sum over channels with the gates g_i has the error
(sum (g_i - 1) mu_i)^2 + sum g_i^2 sigma_i^2.
"""

import numpy as np
from scipy import optimize

from ablations.finding import Finding

MU = np.array([1.0, 0.5, -0.3, 2.0])
SIGMA = np.array([0.5, 1.0, 1.5, 1.5])
DRAWS = 200_000


def noisy_channels() -> Finding:
    """The best gamma of the text's gate, against drawn noise, against no gate, and against the best gates of all."""

    def error(g: np.ndarray) -> float:
        return float(((g - 1) @ MU) ** 2 + (g**2 * SIGMA**2).sum())

    def gate(gamma: float) -> np.ndarray:
        return np.asarray(1 / (1 + gamma * SIGMA**2))

    found = optimize.minimize_scalar(
        lambda gamma: error(gate(gamma)), bounds=(0, 10), method="bounded"
    )
    lowest = float(found.fun)
    rng = np.random.default_rng(0)
    x = MU + SIGMA * rng.standard_normal((DRAWS, len(MU)))
    drawn = float(((x @ gate(found.x) - MU.sum()) ** 2).mean())
    step = 1e-6
    slope = (error(gate(step)) - error(gate(0.0))) / step
    best = MU * MU.sum() / (SIGMA**2 * (1 + (MU**2 / SIGMA**2).sum()))
    nearby = [error(best + e) - error(best) for e in rng.normal(0, 0.01, (200, len(MU)))]
    return Finding(
        agrees=slope < 0 and lowest < error(np.ones(len(MU))) and abs(drawn / lowest - 1) < 0.02,
        computed=f"of four channels the error of the sum falls from {error(np.ones(len(MU))):.2f} to "
        f"{lowest:.2f} at gamma = {found.x:.2f} ({drawn:.2f} over {DRAWS:,} draws); the best gates of all, "
        f"mu_i sum(mu) / (sigma_i^2 (1 + sum(mu^2 / sigma^2))), reach {error(best):.2f}, from "
        f"{best.min():.2f} to {best.max():.2f}",
        only_where="lowering is meant; the gate is not the ideal one"
        if min(nearby) > -1e-12 and error(best) < lowest else "",
        number=lowest,
    )  # fmt: skip


def ridge() -> Finding:
    """The ridge's solution on drawn x with a mean of 0.8 and of 0, against both formulas."""
    beta, lam, sd = 1.3, 2.0, 1.7
    rng = np.random.default_rng(0)
    noise = rng.standard_normal(DRAWS)
    found = {}
    for mean in (0.8, 0.0):
        x = mean + sd * noise
        y = beta * x
        best = float((x * y).mean() / ((x * x).mean() + lam))
        claimed = beta * sd**2 / (sd**2 + lam)
        moment = beta * (sd**2 + mean**2) / (sd**2 + mean**2 + lam)
        found[mean] = (best, claimed, moment)
    best, claimed, moment = found[0.8]
    centred = found[0.0]
    holds_at_zero = abs(centred[0] - centred[1]) < 0.01
    return Finding(
        agrees=abs(best - claimed) < 0.01 or holds_at_zero,
        computed=f"with beta = 1.3, lambda = 2 and x of mean 0.8 and sd 1.7 the best gate is {best:.4f}, "
        f"the claim's {claimed:.4f}, with the second moment in place of the variance {moment:.4f}; with "
        f"mean 0 they are {centred[0]:.4f} and {centred[1]:.4f}",
        only_where="x has mean 0" if holds_at_zero and abs(best - claimed) > 0.01 else "",
        number=best,
    )
