"""Several sources side by side, each with its own share of the plan: an equal budget for every arm."""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablations.engine.source import Result, Source
from ablations.plan import PlannedRun


class SideBySide:
    """Gives out runs of its sources in turn, so that all advance together.

    Args:
        sources: By name.
        share: Says whose a planned run is: the name of a source.
    """

    def __init__(self, sources: Mapping[str, Source], share: Callable[[PlannedRun], str]) -> None:
        self._sources, self._share = dict(sources), share
        self._turn = list(sources)

    @property
    def total(self) -> int:
        """Runs of all sources."""
        return sum(source.total for source in self._sources.values())

    @property
    def asks(self) -> bool:
        """Whether any of them can prune."""
        return any(source.asks for source in self._sources.values())

    @property
    def finished(self) -> bool:
        """Whether all are."""
        return all(source.finished for source in self._sources.values())

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Give each source its own share of the plan."""
        new: list[PlannedRun] = []
        for name, source in self._sources.items():
            new += source.resume([run for run in plan if self._share(run) == name], results)
        return new

    def next(self) -> PlannedRun | None:
        """A run of the source whose turn it is, or of the first after it that has one."""
        for _ in self._turn:
            name = self._turn.pop(0)
            self._turn.append(name)
            planned = self._sources[name].next()
            if planned is not None:
                return planned
        return None

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Ask the run's own source."""
        return self._sources[self._share(planned)].epoch(planned, record)

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Tell the run's own source."""
        self._sources[self._share(planned)].ended(planned, result)
