"""The first minutes on a command line: list, settings, init, help by step, completion."""

from pathlib import Path

import pytest

from ablations.cli.main import COMMANDS, main
from ablations.cli.steps import EXAMPLES, STEPS
from ablations.designs.expand import expand
from ablations.designs.spaces import load_space, presets


def refused(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    with pytest.raises(SystemExit, match=r"^2$"):
        main(words)
    return capsys.readouterr().err


@pytest.mark.parametrize("words", [[], ["list"]])
def test_where_there_is_no_study_the_way_to_one_is_said(
    words: list[str],
    capsys: pytest.CaptureFixture[str],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.chdir(tmp_path)
    main(words)
    out = capsys.readouterr().out
    assert out.startswith("No study in runs/ yet.")
    assert "`ablate run gate` begins one" in out


def test_every_setting_has_its_meaning_and_its_values(capsys: pytest.CaptureFixture[str]) -> None:
    about = presets()["gate"].about
    main(["settings"])
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines[1:]] == list(about.settings)
    assert [name for name, setting in about.settings.items() if not setting.meaning] == []


def test_one_setting_is_found_by_its_name_or_the_last_part_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in ("attention.gate", "gate"):
        main(["settings", name])
        head, line = capsys.readouterr().out.splitlines()
        assert head.split() == ["setting", "default", "values", "meaning"]
        assert line.startswith("attention.gate")
        assert "sigmoid, " in line


def test_settings_are_found_by_the_beginning_of_their_names(
    capsys: pytest.CaptureFixture[str],
) -> None:
    main(["settings", "training.l"])
    names = [line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]]
    assert names == ["training.learning_rate", "training.label_smoothing"]


def test_an_unknown_setting_names_the_nearest(capsys: pytest.CaptureFixture[str]) -> None:
    assert "the nearest are 'attention.gate'," in refused(["settings", "attention.gaet"], capsys)


def test_the_draft_of_a_space_is_a_space(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init"])
    assert "ablate show my_space.yaml" in capsys.readouterr().out
    space = load_space("my_space.yaml")
    assert len(expand(space, design="grid").arms) == 7
    assert not expand(space, design="grid").illegal


def test_the_commands_of_a_draft_name_its_file_as_a_shell_reads_it(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    main(["init", "my space.yaml"])
    assert capsys.readouterr().out.endswith("ablate show 'my space.yaml'\n")
    lines = Path("my space.yaml").read_text().splitlines()[1:4]
    assert lines[0].startswith("#   ablate show 'my space.yaml' ")
    assert (
        len({line.index(word) for line, word in zip(lines, ("its", "train", "read"), strict=True)})
        == 1
    )


def test_a_draft_needs_a_folder_that_is_there(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    said = refused(["init", str(tmp_path / "none" / "mine.yaml")], capsys)
    assert f"there is no folder '{tmp_path / 'none'}'" in said
    assert list(tmp_path.iterdir()) == []


def test_a_file_is_no_place_where_studies_lie(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (tmp_path / "file").write_text("")
    assert "is a file" in refused(["list", "--root", str(tmp_path / "file")], capsys)


def test_a_word_that_is_missing_leads_to_the_help(capsys: pytest.CaptureFixture[str]) -> None:
    assert "STUDY requires an argument. See `ablate status --help`." in refused(["status"], capsys)


def test_a_file_that_is_there_is_left_as_it_is(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text("mine")
    assert "give another name" in refused(["init", str(path)], capsys)
    assert path.read_text() == "mine"
    assert "a space file ends with .yaml" in refused(["init", str(tmp_path / "mine.txt")], capsys)


def test_every_command_has_a_step_and_an_example_of_itself() -> None:
    listed = [command for commands in STEPS.values() for command in commands]
    assert sorted(listed) == sorted(COMMANDS)
    assert set(EXAMPLES) == set(COMMANDS)
    for command, lines in EXAMPLES.items():
        assert all(line.split()[:2] == ["ablate", command] for line in lines)


@pytest.mark.parametrize("command", sorted(EXAMPLES))
def test_every_example_has_options_that_there_are(command: str) -> None:
    from ablations.cli.main import app

    for line in EXAMPLES[command]:
        # Raises for an option or a number of words that the command does not take.
        app(command).parse_args(line.split()[1:], exit_on_error=False, print_error=False)


def test_help_shows_the_steps_in_order_and_examples(capsys: pytest.CaptureFixture[str]) -> None:
    main(["--help"])
    out = capsys.readouterr().out
    at = [out.index(f"─ {step} ─") for step in STEPS]
    assert at == sorted(at)
    assert "With --debug beside any command" in " ".join(out.split())
    main(["run", "--help"])
    out = capsys.readouterr().out
    assert "ablate run gate --study first --seeds 5" in out
    assert "[default: False]" not in out
    assert "[default: ()]" not in out


def test_completion_is_installed_where_it_is_asked_for(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    main(["--install-completion", "--shell", "bash", "--output", str(tmp_path / "ablate.bash")])
    assert "ablate" in (tmp_path / "ablate.bash").read_text()


def test_short_options_are_the_long_ones(
    capsys: pytest.CaptureFixture[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["run", "gate", "--dry-run", "--seeds", "2"]
    main(
        [*words, "--study", "x", "--design", "loco", "--set", "training.epochs=5", "--workers", "1"]
    )
    long = capsys.readouterr().out.partition("time:")[0]
    main([*words, "-n", "x", "-d", "loco", "-s", "training.epochs=5", "-j", "1"])
    assert capsys.readouterr().out.partition("time:")[0] == long
    assert "5 epochs each" in long
