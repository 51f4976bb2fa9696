import ast
import subprocess
import sys
from pathlib import Path

import pytest
from imports import ROOT, circles, files, folders, graph, imported, modules

OURS = {"ablations", "search_spaces", "analysis", "plain_files"}
A = "ablations.subjects.attention"
FRAMEWORK = ("ablations.designs", "ablations.studies", "ablations.engine", "ablations.tracking")
"""These know no subject and name no setting of one; the commands of `cli` that are attention's own do."""
OF_ATTENTION = {"ablations.cli.cost", "ablations.cli.options.planned_arms"}
MOST_FILES = 15

# Each folder and what its files import besides each other, from the ground up: a folder names none below it.
# `.` begins the folders of ablations.subjects.attention, `/` those of ablations.engine, `_` those of analysis.
# Change a line only for a reason that docs/architecture.md can state.
DIRECTIONS = """
plain_files:
ablations: plain_files
ablations.subjects: ablations
ablations.subjects.lightning.pairing: ablations
ablations.subjects.lightning.loading: ablations
ablations.subjects.lightning: ablations ablations.subjects.lightning.loading
.settings: ablations ablations.subjects
.blocks: ablations .settings
.networks: ablations .settings .blocks
.counting: ablations .settings .blocks .networks
.attach: ablations .settings .blocks .counting
.placing: ablations .settings .networks .counting
.stacking: .blocks .networks
/records: plain_files ablations
/worker: ablations /records
/executors: ablations /records /worker
/sources: plain_files ablations /records
ablations.designs: plain_files ablations ablations.subjects /sources
ablations.tracking.wandb: plain_files ablations ablations.subjects /records
search_spaces: ablations
analysis:
_tables.formats: plain_files analysis
_tradeoff.prices: plain_files analysis
_plots.drawing: plain_files analysis
_report.page: plain_files _plots.drawing
ablations.subjects.function: ablations ablations.subjects
search_spaces.claims: ablations
search_spaces.senet: ablations
ablations.subjects.tasks: ablations
search_spaces.tasks: ablations
_plots.gates: plain_files _plots.drawing
.data.layouts: ablations .settings
.data.stored: ablations .settings .data.layouts
.data.sources: ablations .settings .data.layouts .data.stored
.data: ablations .settings .data.layouts .data.stored .data.sources
.cost: ablations .settings .networks .counting .placing .data
.claims: ablations .settings .blocks .counting .attach .placing .cost
ablations.subjects.tasks.graphs: ablations .settings .data.sources
ablations.subjects.tasks.metric_learning: ablations .settings .placing .data.layouts .data.stored
  .data.sources
ablations.subjects.tasks.scenes: ablations ablations.subjects .settings .data.sources
ablations.subjects.tasks.transformers: .settings .networks .placing .data
.recording: .blocks .data
.training: ablations ablations.subjects ablations.subjects.lightning .settings .networks .placing .stacking
  .data .cost .recording
.: ablations ablations.subjects .settings .networks .placing .data .cost .training
ablations.subjects.own_module: ablations ablations.subjects ablations.subjects.lightning.pairing
  ablations.subjects.lightning.loading ablations.subjects.lightning .settings .attach .recording
ablations.subjects.tasks.pictures: ablations .data.layouts .data.stored
ablations.subjects.tasks.detection: ablations ablations.subjects.tasks ablations.subjects.tasks.pictures
ablations.subjects.tasks.segmentation: ablations ablations.subjects.tasks .data.stored
  ablations.subjects.tasks.pictures
_tables.equal:
_tables: plain_files analysis _tables.formats _tables.equal
_contrasts: plain_files analysis _tables
_planned: plain_files analysis _tables _contrasts
_importance: plain_files analysis _tables _contrasts
_sequential: plain_files analysis _tables _contrasts _planned
_effects: plain_files analysis _tables.equal _tables _contrasts _planned _sequential
_tradeoff.curves: _contrasts
_tradeoff: plain_files analysis _tradeoff.prices _tables.equal _tables _contrasts _tradeoff.curves
_tradeoff.width: plain_files analysis _tradeoff.prices _tables _contrasts _tradeoff
_planning: plain_files analysis _contrasts _tradeoff.curves
_plots: plain_files _plots.drawing _tradeoff
_claims: plain_files analysis _tradeoff.prices _tables _contrasts _planned _sequential _tradeoff
  _tradeoff.width
_tested: plain_files analysis _tables _contrasts _sequential _effects
_report.evidence: plain_files analysis _tradeoff.prices _report.page _tables _contrasts _importance
  _sequential _effects _tradeoff.curves _tradeoff _tradeoff.width _plots _tested
_report.figures: plain_files analysis _plots.drawing _report.page _plots.gates _tradeoff _plots
  _report.evidence
_sequential.until_width: plain_files analysis _tradeoff.prices _tables _sequential
_report.sections: plain_files analysis _plots.drawing _report.page _tables _planned _sequential _effects
  _tradeoff _claims _tested _report.evidence _report.figures _sequential.until_width
_report: plain_files analysis _plots.drawing _report.page _sequential _effects _tradeoff _report.evidence
  _report.figures _report.sections
/standing: plain_files ablations /records
/supervision: plain_files ablations /records /executors /sources /standing
ablations.studies: plain_files ablations ablations.subjects /records /worker /executors /sources
  ablations.designs ablations.tracking.wandb /standing /supervision
ablations.tracking.optuna: plain_files ablations /records ablations.tracking.wandb ablations.studies
ablations.cli.words: plain_files ablations ablations.subjects /records /executors ablations.designs _tables
  _effects _tradeoff _claims /standing /supervision ablations.studies
ablations.cli.options: plain_files ablations /records /executors ablations.designs analysis _tables.equal
  _tables _contrasts _sequential _tradeoff _planning _sequential.until_width /supervision ablations.studies
ablations.cli: plain_files ablations ablations.subjects .settings .networks .counting .placing /records
  ablations.designs ablations.tracking.wandb analysis _tables.formats _tradeoff.prices _plots.drawing .cost
  _tables _planned _importance _sequential _effects _tradeoff _tradeoff.width _claims _tested _report.evidence
  _report.figures _sequential.until_width _report.sections _report /standing ablations.studies
  ablations.tracking.optuna ablations.cli.words ablations.cli.options
"""


def directions() -> dict[str, set[str]]:
    """Folder -> the folders that the table lets it import from."""
    rows = [line.partition(":") for line in DIRECTIONS.replace("\n  ", " ").split("\n") if line]
    return {whole(name): {whole(other) for other in others.split()} for name, _, others in rows}


def whole(name: str) -> str:
    prefix = {".": f"{A}.", "/": "ablations.engine.", "_": "analysis."}.get(name[0], name[0])
    return f"{prefix}{name[1:]}".rstrip(".")


@pytest.mark.parametrize("name", directions())
def test_a_folder_imports_what_the_table_of_directions_says(name: str) -> None:
    assert folders().get(name, set()) == directions()[name]


def test_the_table_of_directions_runs_from_the_ground_up_and_leaves_out_no_folder() -> None:
    known: set[str] = set()
    for name, others in directions().items():
        assert others <= known
        known.add(name)
    assert folders().keys() - known == {"ablations.engine", "ablations.tracking"}


def test_no_files_and_no_folders_import_each_other_in_a_circle() -> None:
    assert circles(graph()) == []
    assert circles(folders()) == []


def test_no_folder_has_more_files_than_one_sees_at_a_glance() -> None:
    folders_ = {path.parent for path in modules().values()}
    counts = {folder: len([*folder.glob("*.py")]) - 1 for folder in folders_}
    assert {str(folder): n for folder, n in counts.items() if n > MOST_FILES} == {}


@pytest.mark.parametrize("path", files("analysis"), ids=str)
def test_analysis_imports_no_torch_and_nothing_of_the_mechanism(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert not roots & {"ablations", "search_spaces", "torch", "lightning", "pytorch_lightning"}


@pytest.mark.parametrize("path", files("ablations"), ids=str)
def test_only_the_command_line_knows_analysis_and_nobody_imports_the_presets(path: Path) -> None:
    roots = {name.split(".")[0] for name in imported(path)}
    assert "search_spaces" not in roots
    assert "analysis" not in roots or "cli" in path.parts


def framework() -> list[str]:
    top = [name for name in modules() if name.count(".") <= 1 and name.startswith("ablations.")]
    inside = [name for name in modules() if name.startswith((*FRAMEWORK, "ablations.cli"))]
    return sorted({*top, *inside} - OF_ATTENTION)


@pytest.mark.parametrize("name", framework())
def test_the_framework_neither_imports_attention_nor_names_a_setting_of_it(name: str) -> None:
    from ablations.subjects.attention.subject import SUBJECT

    path = modules()[name]
    assert not any(other.startswith(A) for other in imported(path))
    tree = ast.parse(path.read_text(encoding="utf-8"))
    texts = {node.value for node in ast.walk(tree) if isinstance(node, ast.Constant)}
    assert not {text for text in texts if isinstance(text, str)} & SUBJECT.settings.keys()


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


HEAVY = {"torch", "lightning", "optuna", "wandb", "pandas", "scipy", "numpy"}


@pytest.mark.parametrize(
    "code", ["from ablations.cli.main import app; app()", "import ablations, analysis"]
)
def test_the_command_line_and_the_packages_start_without_anything_heavy(code: str) -> None:
    assert not loaded_by(code) & HEAVY


def test_a_preset_is_read_without_torch() -> None:
    assert "torch" not in loaded_by("import search_spaces.reduction")


def test_the_status_of_a_study_needs_no_torch() -> None:
    modules_ = (
        "ablations.cli.study, ablations.cli.words.status_text, ablations.engine.standing.status"
    )
    assert not loaded_by(f"import {modules_}") & {"torch", "lightning", "optuna", "wandb", "pandas"}


@pytest.mark.parametrize("package", ["ablations", "analysis"])
def test_every_public_name_is_there_and_is_described(package: str) -> None:
    module = __import__(package)
    page = Path("docs/python.md").read_text(encoding="utf-8")
    for name in module.__all__:
        assert getattr(module, name) is not None
        assert f"`{package}.{name}`" in page


def short(name: str) -> str:
    """The end of a folder's dotted name that no other folder has."""
    last = name.rpartition(".")[2]
    same = [other for other in folders() if other.rpartition(".")[2] == last]
    return f"`{last}`" if len(same) == 1 else f"`{'.'.join(name.split('.')[-2:])}`"


def named(names: list[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), *names[-1:]))) or "nothing of ours"


MANY = 24
"""A folder that more import is one that all stand on, and its docstring says how many they are."""


def arrows_of(name: str) -> str:
    """What a folder's `__init__.py` says of its arrows, in the order of the table."""
    up = [short(other) for other in directions() if other in directions()[name]]
    down = [short(other) for other, its in directions().items() if name in its]
    by = named(down) if len(down) <= MANY else f"{len(down)} folders"
    return f"May import {named(up)}. Imported by {by}."


def docstring(path: Path) -> str:
    """The docstring of a file that holds nothing else."""
    (only,) = ast.parse(path.read_text(encoding="utf-8")).body
    assert isinstance(only, ast.Expr), f"{path} holds more than a docstring"
    return ast.literal_eval(only.value)


INITS = sorted(
    path
    for package in sorted(OURS)
    for path in files(package)
    if path.name == "__init__.py" and not path.with_suffix(".pyi").exists()
)


@pytest.mark.parametrize("path", INITS, ids=lambda path: path.parent.name)
def test_a_folder_says_in_five_lines_what_its_question_is_and_its_arrows(path: Path) -> None:
    said = docstring(path)
    assert "TODO" not in said
    assert len(said.splitlines()) <= 5
    name = ".".join(path.relative_to(ROOT).parent.parts)
    whole_of_all = {"ablations.engine", "ablations.tracking", "ablations.cli"}
    assert name in whole_of_all or arrows_of(name) in " ".join(said.split())


def test_every_folder_has_an_init() -> None:
    places = {path.parent for path in modules().values()}
    assert [place for place in places if not (place / "__init__.py").exists()] == []
