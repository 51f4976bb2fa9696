"""The options of every command that reads runs: of which metric, against what, from where, and for whom."""

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from cyclopts import Parameter

from ablations.cli.arguments import ROOT, Json, Root
from ablations.cli.tables import one_table, tables_of

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
    root: Root = ROOT
    json: Json = False

    def tables(self, name: str) -> "list[RunsTable]":
        """All tables that a study, a folder of studies, a CSV or a storage URL holds."""
        return tables_of(name, self.root, metric=self.metric, baseline=self.baseline)

    def table(self, name: str) -> "RunsTable":
        """The one table of it."""
        return one_table(name, self.root, metric=self.metric, baseline=self.baseline)


@Parameter(name="*")
@dataclass(frozen=True, kw_only=True)
class WithoutBaseline(ReadingOptions):
    """The same for a command that compares with nothing."""

    baseline: Annotated[tuple[str, ...], Parameter(parse=False)] = ()


READ = ReadingOptions()
READ_ALL = WithoutBaseline()
