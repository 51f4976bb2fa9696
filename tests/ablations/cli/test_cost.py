import json

import pytest

from ablations.cli.main import main

SHUFFLED = ["cost", "cifar_resnet8"]
SHUFFLED += ["--set", "attention.control=shuffled", "--set", "attention.reduction=4"]


def printed(words: list[str], capsys: pytest.CaptureFixture[str]) -> str:
    main(words)
    return capsys.readouterr().out


def test_the_json_has_the_documented_keys_and_the_published_count(capsys):
    words = ["cost", "resnet50", "--set", "attention.reduction=16", "--set", "attention.bias=true"]
    found = json.loads(printed([*words, "--json"], capsys))
    assert found["params"] == 28_088_024
    assert found["attention_params"] == 2_530_992
    assert found["macs"] == 4_091_699_200
    assert found["c2_eff"] == 20_119_552
    counts = {"params", "attention_params", "macs", "attention_flops", "activation_bytes", "c2_eff"}
    assert counts < found["conventions"].keys()
    # The paper's SE-ResNet-50: 2CHW + 4C²/r summed over 16 blocks.
    assert found["attention_flops"] == 2 * 5_519_360 + 4 * 20_119_552 // 16
    assert found["blocks"][-1] == {
        "name": "layer4.2",
        "channels": 2048,
        "height": 7,
        "width": 7,
        "hidden": 128,
        "realised_reduction": 16.0,
        "params": 526_464,
        "macs": 524_288,
        "flops": 1_249_280,
        "excitation_half_from": 392.0,
    }


@pytest.mark.parametrize(
    ("network", "params"),
    [("resnet50", "25,557,032"), ("efficientnet_b0", "5,288,548"), ("cifar_resnet20", "269,722")],
)
def test_without_a_setting_it_is_the_published_network(network, params, capsys):
    assert params in printed(["cost", network], capsys)


def test_latency_is_measured_with_and_without_attention(capsys):
    words = ["cost", "cifar_resnet8", "--set", "attention.reduction=4", "--image", "8"]
    found = json.loads(printed([*words, "--latency", "--batches", "2", "--json"], capsys))
    (line,) = found["latency"]
    assert line["batch"] == 2
    assert line["ratio"] == line["milliseconds"] / line["milliseconds_without"] > 0


def test_a_shuffled_gate_is_timed_on_batches_that_have_another_image(capsys):
    words = [*SHUFFLED, "--image", "8", "--latency", "--batches", "2", "--json"]
    assert [line["batch"] for line in json.loads(printed(words, capsys))["latency"]] == [2]


def test_an_image_may_have_two_sides(capsys):
    words = ["cost", "cifar_resnet8", "--set", "attention.reduction=4", "--json", "--image"]
    wide = json.loads(printed([*words, "16x32"], capsys))
    square = json.loads(printed([*words, "32"], capsys))
    assert wide["image"] == [16, 32]
    assert [(b["height"], b["width"]) for b in wide["blocks"]] == [(16, 32), (8, 16), (4, 8)]
    # All but the classifier's 640 and the excitations' 2C²/r are per position.
    fixed = 640 + 2 * (16**2 + 32**2 + 64**2) // 4
    assert wide["macs"] - fixed == (square["macs"] - fixed) / 2


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["cost", "resnet5"], "'resnet50'"),
        (
            ["cost", "resnet50", "--set", "attention.reduction=3"],
            "In block layer1.0: `channels / red",
        ),
        (["cost", "resnet50", "--set", "attention.squeeze=maks"], "'max'"),
        (["cost", "resnet50", "--image", "224x"], "height and width as 128x64, but got '224x'"),
        (["cost", "resnet50", "--image", "0"], "positive whole number"),
        (
            ["cost", "cifar_resnet8", "--latency", "--batches", "0"],
            "`--batches >= 1` must hold, but got 0. Use `--batches 1` or more.",
        ),
        (["cost", "resnet18", "--classes", "0"], "`--classes >= 1` must hold, but got 0."),
        (["cost", "resnet18", "--in-channels", "0"], "`--in-channels >= 1` must hold, but got 0."),
        (
            ["cost", "small_vit", "--image", "30"],
            "`small_vit` cuts images into patches of 4x4: height and width must be multiples of 4, but "
            "the image is 30x30. Use 28x28 or 32x32.",
        ),
        (["cost", "small_vit", "--image", "3x32"], "but the image is 3x32. Use 4x32."),
        (
            [*SHUFFLED, "--latency"],
            "another one's gate: `--batches >= 2` must hold, but got 1. Use `--batches 128`.",
        ),
        (["cost", "resnet50", "--image", "64x64x64"], "takes images"),
        (
            ["cost", "vgg16_bn", "--set", "attention.placement=post"],
            "there is no place for attention",
        ),
    ],
)
def test_a_mistake_is_one_line_with_the_way_out(words, sentence, capsys):
    with pytest.raises(SystemExit) as left:
        main(words)
    said = capsys.readouterr().err
    assert left.value.code == 2
    assert sentence in said
    assert said.count("\n") == 1


def test_show_verify_prints_what_each_arm_changes(capsys):
    out = printed(["show", "reduction", "--verify"], capsys)
    assert "+8,064" in out  # r = 1 against r = 4: 2 C² (1 - 1/4) over 16, 32 and 64 channels
    assert "-2,688" in out
