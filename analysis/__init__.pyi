# The public names: docs/python.md describes each, and moves inside never change one.
from .effects.compare import compare as compare
from .effects.component_report import component_report as component_report
from .effects.winner import winner_report as winner_report
from .errors import TableError as TableError
from .planned.comparisons import load_comparisons as load_comparisons
from .planning.effect_plan import plan_effects as plan_effects
from .planning.ratio_plan import plan_ratio as plan_ratio
from .report.build import write_report as write_report
from .report.evidence.evidence import gather as gather
from .report.figures.figures import draw as draw
from .tables.csv_table import from_frame as from_frame
from .tables.runs_table import RunsTable as RunsTable
from .tables.study_table import read_study as read_study
from .tables.table import read_table as read_table
from .tradeoff.tradeoff import fit_reduction as fit_reduction
from .tradeoff.tradeoff_words import sentences as sentences
from .tradeoff.width.width import fit_width as fit_width
