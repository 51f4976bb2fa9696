import pytest

from ablations.errors import SettingError
from ablations.subjects.attention.settings.arms import check_choice, with_values
from ablations.subjects.attention.settings.groups import Arm, Attention
from ablations.subjects.attention.settings.rules import unused


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        (
            {"reduction": 4, "ratio": 0.25},
            r"^exactly one of `reduction`, `ratio` and `hidden` must be given, but got reduction=4 and "
            r"ratio=0\.25\.$",
        ),
        (
            {"reduction": None},
            r"^exactly one of `reduction`, `ratio` and `hidden` must be given, but got none of them\.$",
        ),
        (
            {"excitation": "eca", "eca_kernel": 4},
            r"^`eca_kernel` must be odd, so that it has a middle, but got 4\. Use 3 or 5\.$",
        ),
        ({"kind": "cbam", "spatial_kernel": 6}, r"^`spatial_kernel` must be odd.*Use 5 or 7\.$"),
        ({"init": "open"}, r"^`init='open'` sets the last bias, but got `bias=False`\."),
        (
            {"init": "open", "bias": True, "gate": "softmax"},
            r"^`init='open'` needs a gate with a known inverse, but got `gate='softmax'`\.",
        ),
        ({"init": "zero", "gate": "relu"}, r"^`init='zero'` with `gate='relu'` is dead: "),
        (
            {"init": "zero", "gate": "tanh", "placement": "post"},
            r"^`init='zero'` with `gate='tanh'` at placement 'post' starts with the skip path at 0\.",
        ),
        (
            {"gain": "unit", "gate": "identity"},
            r"^`gain='unit'` divides by g\(0\), which is 0 for `gate='identity'`\. "
            r"Use `gain='own'`, with `residual=True` to start at 1\.$",
        ),
        (
            {"gain": "unit", "gate": "tanh", "residual": True},
            r"^`gain='unit'` divides by .* for `gate='tanh'`\. Use `gain='own'`\.$",
        ),
        (
            {"control": "constant", "gate": "tanh"},
            r"^`control='constant'` is the gate's start g\(0\)",
        ),
        (
            {"control": "constant", "gate": "identity", "init": "open", "opening": 0},
            r"^`control='constant'` with `init='open'` is the opening, but got `opening=0`",
        ),
        (
            {"control": "static", "gate": "relu"},
            r"^`control='static'` starts at the logit 0, where",
        ),
        (
            {"excitation": "eca", "eca_kernel": 1, "eca_permuted": True},
            r"^`eca_permuted=True` changes nothing where no channel sees another: .* but got 1\.$",
        ),
        ({"squeeze": "none", "excitation": "eca"}, r"^`squeeze='none'` gates each position by 1x1"),
        (
            {"affine": True, "excitation": "diagonal"},
            r"^`affine=True` needs two outputs per channel",
        ),
        ({"excitation": "none", "squeeze": "concat"}, r"^`excitation='none'` needs one statistic"),
        (
            {"kind": "gct", "control": "shuffled"},
            r"^`control='shuffled'` needs `kind='squeeze_excite'`",
        ),
        (
            {"control": "frozen", "excitation": "none"},
            r"^`control='frozen'` needs weights to freeze",
        ),
        (
            {"control": "frozen", "init": "zero"},
            r"^`control='frozen'` with `init='zero'` would be the",
        ),
        (
            {"kind": "gather_excite", "excitation": "eca"},
            r"^`kind='gather_excite'` needs `excitation`",
        ),
        (
            {"squeeze": "lp", "squeeze_power": 0.5},
            r"^`squeeze_power >= 1` must hold with `squeeze='lp'`",
        ),
        (
            {"reduction": 0.5},
            r"^`reduction >= 1` must hold, but got 0\.5\. `ratio` takes 1/r, and `hidden` the number of "
            r"hidden units\.$",
        ),
        (
            {"ratio": 2},
            r"^`ratio <= 1` must hold, but got 2\. `ratio` is 1/r, and `reduction` takes r; no attention "
            r"is `placement='none'`\.$",
        ),
        (
            {"ratio": 0},
            r"^`ratio > 0` must hold, but got 0\. .*no attention is `placement='none'`\.$",
        ),
        (
            {"hidden": 0},
            r"^`hidden >= 1` must hold, but got 0\. No attention is `placement='none'`\.$",
        ),
        (
            {"stages": "x"},
            r"^`stages` must be 'all' or numbers of stages from 1, with commas between them, for example "
            r"'1,3', but got 'x'\.$",
        ),
        (
            {"blocks": "every_1"},
            r"^`blocks` must be 'all', 'own', .* for example 'every_2', but got 'every_1'\.$",
        ),
        ({"squeeze": "avgg"}, r"^`squeeze` must be .*'avg'.*but got 'avgg'\.$"),
        ({"gate": "sigmoyd"}, r"but got 'sigmoyd'\. Did you mean 'sigmoid'\?$"),
    ],
)
def test_an_illegal_combination_says_the_rule_the_value_and_a_way_out(settings, message):
    with pytest.raises(SettingError, match=message):
        Attention(**settings)


def test_a_pattern_is_told_in_words_for_a_level_of_a_factor_too():
    with pytest.raises(
        SettingError, match=r"^`attention\.blocks` must be 'all', 'own', .*'every_2'"
    ):
        check_choice("attention.blocks", "every_1")


@pytest.mark.parametrize(
    ("settings", "idle"),
    [
        ({"excitation": "eca"}, {"reduction", "activation", "rounding"}),
        ({"excitation": "diagonal", "norm": "batch"}, {"bias", "eca_kernel", "reduction"}),
        ({"excitation": "linear_bottleneck"}, {"activation"}),
        ({"control": "constant"}, {"squeeze", "reduction", "temperature", "init"}),
        ({"control": "static"}, {"squeeze", "reduction", "excitation"}),
        ({"control": "static", "init": "open"}, {"squeeze", "bias", "excitation"}),
        ({"control": "constant", "init": "open", "opening": 0.8}, {"squeeze", "bias"}),
        ({"kind": "gct"}, {"gate", "squeeze", "reduction", "extent"}),
        ({"placement": "post"}, {"order"}),
        ({"hidden": 4}, {"reduction", "rounding", "reduction_base"}),
        ({"gate": "two_sigmoid"}, {"gain"}),
        ({"kind": "my.module:Block"}, {"gate", "squeeze", "reduction", "bias"}),
    ],
)
def test_settings_without_a_meaning_are_folded(settings, idle):
    assert idle <= unused(Attention(**settings))
    assert not set(settings) & unused(Attention(**settings))


@pytest.mark.parametrize("control", ["constant", "static"])
@pytest.mark.parametrize("init", ["default", "zero"])
def test_controls_without_an_image_use_init_only_where_it_opens_the_gate(control, init):
    assert {"init", "opening"} <= unused(Attention(control=control, init=init))


def test_the_plain_block_uses_what_makes_it_up():
    used = {"reduction", "reduction_base", "squeeze", "gate", "bias", "init", "order", "placement"}
    assert not used & unused(Attention())


def test_a_rule_about_a_setting_that_is_not_used_is_not_applied():
    assert Attention(kind="gct", gate="relu", init="zero").kind == "gct"
    assert Attention(placement="none", init="open").placement == "none"


def test_a_new_ratio_takes_the_place_of_the_old_reduction():
    arm = with_values(Arm(attention=Attention(reduction=4)), {"attention.ratio": 0.5})
    assert (arm.attention.reduction, arm.attention.ratio) == (None, 0.5)
    back = with_values(arm, {"attention.reduction": 8})
    assert (back.attention.reduction, back.attention.ratio) == (8, None)


def test_words_of_a_shell_become_values():
    a = Attention(bias="true", eca_kernel="none", extent="2", kind="gather_excite")
    assert (a.bias, a.eca_kernel, a.extent) == (True, None, 2)


def test_settings_survive_json():
    a = Attention(hidden=4, bias="last", squeeze="gem", order="after")
    assert Attention.model_validate_json(a.model_dump_json()) == a
