"""Several sources side by side, each with its own share of the plan: an equal budget for every arm.

Two of them may come upon the same run: without attention, a network is the same whatever the gate would be.
Then it is trained once, for the first that asked, and the others hear of its outcome.
"""

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ablations.engine.sources.source import Result, Source
from ablations.plan import PlannedRun


class SideBySide:
    """Gives out runs of its sources in turn, so that all advance together.

    Args:
        sources: By name.
        share: Says whose a run of the plan is: the name of a source.
    """

    def __init__(self, sources: Mapping[str, Source], share: Callable[[PlannedRun], str]) -> None:
        self._sources, self._share = dict(sources), share
        self._turn = list(sources)
        self._owner: dict[str, str] = {}
        """Run -> the source that it is trained for."""
        self._results: dict[str, Result] = {}
        self._waiting: dict[str, list[tuple[str, PlannedRun]]] = {}
        """Run -> the other sources that asked for it, as they planned it."""
        self._asked_again = 0

    @property
    def total(self) -> int:
        """Runs of all sources, each counted once."""
        return sum(source.total for source in self._sources.values()) - self._asked_again

    @property
    def asks(self) -> bool:
        """Whether any of them can prune."""
        return any(source.asks for source in self._sources.values())

    @property
    def finished(self) -> bool:
        """Whether all are."""
        return all(source.finished for source in self._sources.values())

    @property
    def remark(self) -> str:
        """Those of all, with the sources' names."""
        remarks = [(name, source.remark) for name, source in self._sources.items()]
        named = len(remarks) > 1
        return " ".join(f"{name}: {text}" if named else text for name, text in remarks if text)

    def news(self) -> list[str]:
        """Those of all."""
        return [text for source in self._sources.values() for text in source.news()]

    def resume(self, plan: Sequence[PlannedRun], results: Mapping[str, Result]) -> list[PlannedRun]:
        """Give each source its own share of the plan."""
        self._owner = {run.run: self._share(run) for run in plan}
        self._results = dict(results)
        new: list[PlannedRun] = []
        for name, source in self._sources.items():
            new += source.resume([run for run in plan if self._share(run) == name], results)
        return new

    def next(self) -> PlannedRun | None:
        """A run of the source whose turn it is, or of the first after it that has one."""
        for _ in self._turn:
            name = self._turn.pop(0)
            self._turn.append(name)
            planned = self._next_of(name)
            if planned is not None:
                return planned
        return None

    def _next_of(self, name: str) -> PlannedRun | None:
        """A run of one source that is trained for no other."""
        source = self._sources[name]
        while (planned := source.next()) is not None:
            if self._owner.setdefault(planned.run, name) == name:
                return planned
            self._asked_again += 1
            result = self._results.get(planned.run)
            if result is None:
                self._waiting.setdefault(planned.run, []).append((name, planned))
            else:
                source.ended(planned, result)
        return None

    def epoch(self, planned: PlannedRun, record: Mapping[str, Any]) -> bool:
        """Ask the source that the run is trained for."""
        return self._sources[self._owner[planned.run]].epoch(planned, record)

    def ended(self, planned: PlannedRun, result: Result) -> None:
        """Tell the source that the run is trained for, and those that wait for it."""
        self._results[planned.run] = result
        self._sources[self._owner[planned.run]].ended(planned, result)
        for name, theirs in self._waiting.pop(planned.run, ()):
            self._sources[name].ended(theirs, result)
