import pytest

from analysis.report.page.numbers import typeset


@pytest.mark.parametrize(
    ("sentence", "printed"),
    [
        (
            "kappa = -4.59e-05 [-0.00032, 2e+06] and r* >= 4 (p = 1e-10).",
            "κ = −4.59e−5 [−0.00032, 2e6] and r* ≥ 4 (p = 1e−10).",
        ),
        ("+0.5 - one-sided, seeds 3-5, r^-2", "+0.5 - one-sided, seeds 3-5, r^−2"),
        ("noise: 73% [1.5%, 80 %] of the variance", "noise: 73 % [1.5 %, 80 %] of the variance"),
        (
            "Say `ablate fit x --price-per-param 1e-9`.",
            "Say `ablate fit x --price-per-param 1e-9`.",
        ),
    ],
)
def test_a_sentence_is_set_with_the_signs_of_print(sentence: str, printed: str) -> None:
    assert typeset(sentence) == printed
