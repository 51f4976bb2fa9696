import importlib.util
from dataclasses import fields
from inspect import signature
from types import ModuleType, SimpleNamespace

import yaml
from imports import ROOT

import ablations
import analysis
from ablations.subjects.lightning.fit import fit


def hooks() -> ModuleType:
    spec = importlib.util.spec_from_file_location("hooks", ROOT / "docs" / "site" / "hooks.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


HOOKS = hooks()


def read(name: str, text: str) -> str:
    page = SimpleNamespace(file=SimpleNamespace(src_uri=name))
    return str(HOOKS.on_page_markdown(text, page=page))


def test_a_list_a_table_and_code_after_a_line_of_text_get_a_blank_line() -> None:
    text = "Text:\n- one\n  goes on\n- two\n\nText:\n| a |\n|---|\n| b |\n\nText:\n```\n- no list\n```\n"
    assert HOOKS.with_blank_lines(text) == (
        "Text:\n\n- one\n  goes on\n- two\n\nText:\n\n| a |\n|---|\n| b |\n\nText:\n\n```\n- no list\n```\n"
    )


def test_a_term_is_linked_where_it_first_stands_in_the_text() -> None:
    text = "# An arm\nA `baseline` and **arm**, [arms](x.md), two arms and an arm.\n"
    assert read("until.md", text) == (
        "# An arm\nA `baseline` and **arm**, [arms](x.md), two [arms](glossary.md#term-arm){.term} and an arm.\n"
    )


def test_each_linked_term_has_its_place_in_the_glossary() -> None:
    page = read("glossary.md", (ROOT / "docs" / "glossary.md").read_text(encoding="utf-8"))
    anchors = set(HOOKS.terms().values())
    assert len(anchors) > 15
    assert [anchor for anchor in anchors if f'<a id="{anchor}"></a>' not in page] == []


def test_a_link_to_a_file_of_the_repository_is_its_text_if_the_file_is_there() -> None:
    assert HOOKS.within_the_site("[a](../README.md) [b](../gone.md)") == "a [b](../gone.md)"


def test_the_page_of_own_modules_has_all_that_fit_takes_and_gives_back() -> None:
    page = (ROOT / "docs" / "own-modules.md").read_text(encoding="utf-8")
    outcome = signature(fit, eval_str=True).return_annotation
    named = [*signature(fit).parameters, *(field.name for field in fields(outcome))]
    assert [name for name in named if f"`{name}`" not in page] == []


def test_the_reference_has_every_public_name() -> None:
    page = read("api.md", (ROOT / "docs" / "api.md").read_text(encoding="utf-8"))
    names = [
        f"::: {pkg.__name__}.{name}\n" for pkg in (ablations, analysis) for name in pkg.__all__
    ]
    assert [name for name in names if name not in page] == []


def test_every_page_is_in_the_navigation() -> None:
    settings = yaml.safe_load((ROOT / "mkdocs.yml").read_text(encoding="utf-8"))
    listed = [page for part in settings["nav"] for pages in part.values() for page in pages]
    assert sorted(listed) == sorted(path.name for path in (ROOT / "docs").glob("*.md"))
