from pathlib import Path

import pytest

from ablations.designs.spaces import load_space, presets
from ablations.errors import SettingError
from ablations.subjects.attention.placing.own_attention import own_attention
from ablations.subjects.attention.settings.arms import arm_of

YAML = """
question: Does the ratio matter?
baseline:
  attention: {reduction: 2}
  training: {learning_rate: 1e-2}
factors:
  - {name: attention.reduction, levels: [2, 4]}
controls:
  no attention: {attention.placement: none}
seeds: 3
"""


def test_a_space_is_a_yaml_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(YAML)
    space = load_space(str(path))
    assert (space.name, space.seeds, space.factors[0].levels) == ("mine", 3, (2, 4))
    # YAML 1.1 reads 1e-2 as a string.
    assert space.baseline["training.learning_rate"] == 0.01


def test_what_a_space_does_not_say_of_attention_is_its_networks_own(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "baseline: {backbone: {name: mobilenet_v3_small}, attention: {hidden: 8}}\n"
        "factors: [{name: attention.gate, levels: [hard_sigmoid, sigmoid]}]\n"
    )
    attention = arm_of(load_space(str(path)).baseline).attention
    assert (attention.hidden, attention.reduction) == (8, None)
    own = own_attention("mobilenet_v3_small").model_copy(update={"hidden": 8, "reduction": None})
    assert attention == own


def test_a_presets_words_stay_in_another_network_and_the_rest_is_its_own() -> None:
    values = {"backbone.name": "efficientnet_b0", "attention.bias": False}
    attention = arm_of(load_space("reduction", values).baseline).attention
    own = own_attention("efficientnet_b0")
    preset = arm_of(load_space("reduction").baseline).attention
    assert attention == own.model_copy(update={"reduction": preset.reduction, "bias": False})


def test_a_network_without_attention_of_its_own_gets_the_plain_block() -> None:
    preset = arm_of(load_space("reduction").baseline)
    for name in ("resnet50", "cifar_resnet20", "small_vit"):
        assert (
            arm_of(load_space("reduction", {"backbone.name": name}).baseline).attention
            == preset.attention
        )
    assert (
        load_space("reduction", {"backbone.name": "googlenet"}).baseline["attention.order"]
        == "after"
    )


def test_a_number_with_an_exponent_needs_no_point(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "baseline: {training: {learning_rate: 1e-3}}\n"
        "factors: [{name: training.learning_rate, levels: [1e-3, 1E-2, 5.e-2]}]\n"
    )
    assert load_space(str(path)).factors[0].levels == (0.001, 0.01, 0.05)


def test_the_words_off_and_no_stay_words_and_true_stays_true(tmp_path: Path) -> None:
    path = tmp_path / "mine.yaml"
    path.write_text(
        "factors:\n"
        "  - {name: attention.placement, levels: [standard, none], off: none}\n"
        "  - {name: attention.bias, levels: [true, false], off: false}\n"
    )
    placement, bias = load_space(str(path)).factors
    assert placement.off == "none"
    assert bias.levels == (True, False)
    path.write_text("factors: [{name: attention.gate, levels: [sigmoid, off]}]")
    with pytest.raises(SettingError, match="got 'off'"):
        load_space(str(path))


def test_a_space_is_a_python_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    path.write_text("from search_spaces.gate import space\n")
    assert load_space(str(path)) == load_space("gate")


def test_a_mistake_in_a_python_file_is_told_with_the_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.py"
    for code, why in (("space = (", "SyntaxError"), ("import no_such_pkg", "ModuleNotFoundError")):
        path.write_text(code)
        with pytest.raises(SettingError, match=rf"mine\.py' fails: {why}: .* Mend the file\."):
            load_space(str(path))


def test_a_space_is_an_import_path() -> None:
    assert load_space("search_spaces.gate:space") == load_space("gate")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("reducton", r"`space` must be .*but got 'reducton'.*package\.module:name"),
        ("nothing.yaml", r"must exist, but there is no 'nothing\.yaml'"),
        ("nothing.py", r"must exist, but there is no 'nothing\.py'"),
        ("no_such_pkg:x", "'no_such_pkg:x' cannot be imported: .* Check the spelling"),
        ("search_spaces.gate:spce", r"must define a `Space` named `spce`, but defines \['space'\]"),
    ],
)
def test_an_unknown_space_says_what_there_is(text: str, message: str) -> None:
    with pytest.raises(SettingError, match=message):
        load_space(text)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("a: [1, 2", "must be a YAML file"),
        ("just words", "must hold a mapping"),
        ("factors: []", "`factors`"),
        (
            "seeds: 3\nseeds: 4",
            "bad.yaml' must be a YAML file, but line 2: the key 'seeds' must stand once",
        ),
        ("factor: []", "`setting` must be a known name .* the nearest is 'factors'"),
        (
            "name: x\nfactors: [{name: attention.gate, levels: 5}]",
            "`levels` must be a list, but got 5",
        ),
        ("x: !!python/object/apply:os.system ['true']", "must be a YAML file"),
    ],
)
def test_a_file_that_is_no_space_is_refused(content: str, message: str, tmp_path: Path) -> None:
    path = tmp_path / "bad.yaml"
    path.write_text(content)
    with pytest.raises(SettingError, match=message):
        load_space(str(path))


def test_a_huge_file_is_refused_before_it_is_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.yaml"
    path.write_bytes(b"#" * 1_000_001)
    with pytest.raises(SettingError, match="must be smaller than 1 MB"):
        load_space(str(path))


def test_every_preset_asks_a_question_and_has_five_seeds() -> None:
    found = presets()
    assert {"reduction", "squeeze", "gate", "placement", "full", "width", "recipe"} <= set(found)
    assert all(space.question.endswith("?") and space.seeds >= 5 for space in found.values())
    assert all(name.replace("/", "_") == space.name for name, space in found.items())
