import ast
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
OURS = {"ablations", "search_spaces", "analysis", "plain_files"}


def imports(path: Path) -> set[str]:
    """Every module that a file imports, wherever in it."""
    found = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path} imports relatively"
            found.add(str(node.module))
    return found


def files(package: str) -> list[Path]:
    return sorted((ROOT / package).rglob("*.py"))


@pytest.mark.parametrize("path", files("search_spaces"), ids=str)
def test_a_preset_imports_spaces_and_settings_only(path: Path) -> None:
    ours = {name for name in imports(path) if name.split(".")[0] in OURS}
    assert ours <= {"ablations.designs.space", "ablations.subjects.attention.settings.groups"}


@pytest.mark.parametrize("path", files("analysis"), ids=str)
def test_analysis_imports_no_torch_and_nothing_of_the_mechanism(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert not roots & {"ablations", "search_spaces", "torch", "lightning", "pytorch_lightning"}


@pytest.mark.parametrize("path", files("ablations"), ids=str)
def test_only_the_command_line_knows_analysis_and_nobody_imports_the_presets(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert "search_spaces" not in roots
    assert "analysis" not in roots or "cli" in path.parts


@pytest.mark.parametrize("path", files("plain_files"), ids=str)
def test_what_both_packages_import_imports_neither_and_one_library(path: Path) -> None:
    roots = {name.split(".")[0] for name in imports(path)}
    assert roots - sys.stdlib_module_names <= {"yaml"}


def loaded_by(code: str) -> set[str]:
    program = f"{code}\nimport sys; print(*sorted({{name.split('.')[0] for name in sys.modules}}))"
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_command_line_starts_without_anything_heavy() -> None:
    code = "from ablations.cli.main import app; app()"
    assert not loaded_by(code) & {
        "torch",
        "lightning",
        "optuna",
        "wandb",
        "pandas",
        "scipy",
        "numpy",
    }


def test_the_status_of_a_study_needs_no_torch() -> None:
    code = "import ablations.cli.study, ablations.cli.words.status_text, ablations.engine.supervision.status"
    assert not loaded_by(code) & {"torch", "lightning", "optuna", "wandb", "pandas"}


def test_every_package_has_only_a_docstring_in_its_init() -> None:
    for package in sorted(OURS):
        for path in (ROOT / package).rglob("__init__.py"):
            (only,) = ast.parse(path.read_text(encoding="utf-8")).body
            assert isinstance(only, ast.Expr), path
