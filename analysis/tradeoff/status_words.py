"""What a fit of the reduction ratio came to, in words for people."""

from analysis.tradeoff.kappa import MIN_SEEDS, Status

STATUS_WORDS: dict[Status, str] = {
    "ok": "the loss rises with r",
    "quadratic_rejected": "the loss does not follow r²: r* is that of the averaged curves",
    "curves_rejected": "no curve follows the loss: only the tested ratios say where r* lies",
    "lower_bound_only": "κ may be 0: only a lower limit of r* is known",
    "not_identified": "no rise of the loss with r was seen, so no r*",
    "decreasing": "the loss falls as r grows, so no r*",
    "too_few_seeds": f"too few seeds for an interval ({MIN_SEEDS} are needed)",
    "single_seed": "one run per ratio: the interval knows nothing of seeds",
    "no_noise": "repeated runs do not differ, so there is no interval",
}
ENOUGH_SEEDS = f"at least {MIN_SEEDS} seeds, better 5"
"""What to run where there are too few for an interval."""
NOT_DISPLACED = "no tested ratio is displaced by another at any price"
"""Where the price of a weight changes nothing."""
