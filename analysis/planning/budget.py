"""What a budget of device hours pays for."""

from analysis.errors import TableError

MOST_SEEDS = 60
"""Plans look no further."""


def affordable(per_seed: int, hours: float | None, budget: float | None) -> int | None:
    """Seeds that a budget pays for; None without one.

    Args:
        per_seed: Runs of one seed.
        hours: Device hours of one run.
        budget: Device hours there are.

    Raises:
        TableError: If there is a budget and no hours.
    """
    if budget is None:
        return None
    if hours is None or not hours > 0:
        raise TableError(
            "a budget needs the hours of one run: give --hours-per-run, or a pilot table."
        )
    return int(budget / hours / per_seed)
