"""From the command line's words to a search: its options, and what they ask for."""

from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING

from cyclopts import Parameter

from ablations.cli.options.arguments import Whole
from ablations.errors import SettingError

if TYPE_CHECKING:
    from ablations.studies.adaptive_search import Search


@Parameter(name="*", group="Of a search")
@dataclass(frozen=True, kw_only=True)
class SearchOptions:
    """The options of a search; None where nothing was said, so that another design can refuse what was."""

    trials: Whole | None = None
    """Arms that it may try, complete or pruned; 30 by default."""
    sampler: str | None = None
    """What proposes: tpe (by default), gp, cma-es, qmc, random, nsga-ii."""
    pruner: str | None = None
    """What stops runs early: none, median (by default), percentile, asha, hyperband, wilcoxon; with several
    objectives none, which is then the default."""
    objectives: tuple[str, ...] | None = None
    """What is optimised: val_loss (by default), val_accuracy, params, macs, latency, ...; repeatable."""
    max_params: Whole | None = None
    """Arms with more parameters are infeasible."""
    per_arm: str | None = None
    """A factor whose levels each get a search of their own, equally long."""


UNSAID = SearchOptions()
"""No option of a search was given."""


def search_for(options: SearchOptions, *, is_search: bool, seeds: int | None) -> "Search | None":
    """The search that the options ask for; None for another design, which takes none of them.

    Raises:
        SettingError: If another design was given one, or a value is out of range.
    """
    said = {name: value for name, value in asdict(options).items() if value is not None}
    if not is_search:
        if said:
            option = "--" + next(iter(said)).replace("_", "-")
            raise SettingError(f"`{option}` belongs to a search: add --design search.")
        return None
    from ablations.studies.adaptive_search import Search

    return Search(**said) if seeds is None else Search(**said, seeds=seeds)
