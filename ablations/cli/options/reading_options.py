"""The options of every command that reads runs: of which metric, against what, from where, and for whom."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Literal

from cyclopts import Parameter

from ablations.cli.options.arguments import ROOT, Json, Root
from ablations.cli.options.tables import one_table, tables_of

if TYPE_CHECKING:
    from analysis.tables.runs_table import RunsTable


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ReadingOptions:
    """How runs are read; the defaults are the study's own."""

    metric: str | None = None
    """What to estimate: of a study val_loss (by default), train_loss, val_accuracy, seconds or
    latency; of a CSV a column."""
    baseline: Annotated[tuple[str, ...], Parameter(name="--baseline")] = ()
    """FACTOR=LEVEL to compare with, for tables without a study."""
    factors: str | None = None
    """The columns that vary on purpose, with commas between, for tables without a study; a column
    whose values repeat is one by itself."""
    direction: Literal["minimize", "maximize"] | None = None
    """Whether the metric is to be made small or large, where its name does not say it."""
    root: Root = ROOT
    json: Json = False

    def tables(self, name: str) -> "list[RunsTable]":
        """All tables that a study, a folder of studies, a CSV or a storage URL holds."""
        return tables_of(name, self.root, **self._said())

    def table(self, name: str) -> "RunsTable":
        """The one table of it."""
        return one_table(name, self.root, **self._said())

    def of_tables(self) -> list[str]:
        """Which of the options that say how a table is read were given."""
        return [name for name, value in self._said().items() if value]

    def _said(self) -> dict[str, Any]:
        return {name: value for name, value in vars(self).items() if name not in ("root", "json")}


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WithoutBaseline(ReadingOptions):
    """The same for a command that compares with nothing."""

    baseline: Annotated[tuple[str, ...], Parameter(parse=False)] = ()


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class MetricAlone(WithoutBaseline):
    """The same for a command that knows its factors."""

    factors: Annotated[str | None, Parameter(parse=False)] = None
    direction: Annotated[Literal["minimize", "maximize"] | None, Parameter(parse=False)] = None


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class ForPeople(ReadingOptions):
    """The same for a command whose output is nothing for scripts."""

    json: Annotated[bool, Parameter(parse=False)] = False


READ = ReadingOptions()
READ_ALL = WithoutBaseline()
READ_METRIC = MetricAlone()
READ_FOR_PEOPLE = ForPeople()
