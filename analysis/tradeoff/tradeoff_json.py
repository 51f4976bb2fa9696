"""A reduction-ratio fit as plain values."""

from typing import Any

from analysis.plain import pair, plain, records
from analysis.tradeoff.reduction_fit import ReductionFit
from analysis.tradeoff.tradeoff_words import sentences


def as_json(fit: ReductionFit) -> dict[str, Any]:
    """Plain values; infinity and undefined numbers are null."""
    smaller = fit.without_largest
    return {
        "metric": fit.metric,
        "confidence": fit.confidence,
        "interval": fit.interval,
        "n": fit.n,
        "seeds": fit.seeds,
        "L0": plain(fit.L0),
        "kappa": plain(fit.kappa),
        "kappa_ci": pair(fit.kappa_ci),
        "se": plain(fit.se),
        "df": plain(fit.df),
        "status": fit.status,
        "basis": fit.basis,
        "r_star": plain(fit.r_star),
        "r_star_ci": pair(fit.r_star_ci),
        "theory": {"r_star": plain(fit.theory_r_star), "ci": pair(fit.theory_ci)},
        "flags": list(fit.flags),
        "lam": plain(fit.lam),
        "c2_eff": plain(fit.c2_eff),
        "price": _price(fit),
        "lack_of_fit": {
            "F": plain(fit.lack_of_fit.F),
            "p": plain(fit.lack_of_fit.p),
            "best_curve_p": plain(fit.curves_p),
            "df": list(fit.lack_of_fit.df),
            "power": {name: plain(value) for name, value in fit.lack_of_fit.power.items()},
        },
        "models": records(fit.models),
        "average": {"r_star": plain(fit.average.r_star), "ci": pair(fit.average.ci)},
        "argmin_set": fit.argmin_set,
        "leverage": {f"{r:g}": h for r, h in fit.leverage.items()},
        "tested": records(fit.tested),
        "sweep": records(fit.sweep),
        "switch_prices": records(fit.switch_prices),
        "control": records(fit.control),
        "icc": plain(fit.icc),
        "sigma": plain(fit.sigma),
        "without_largest": None if smaller is None else {
            "kappa": plain(smaller.kappa),
            "kappa_ci": pair(smaller.kappa_ci),
            "status": smaller.status,
            "r_star": plain(smaller.r_star),
            "r_star_ci": pair(smaller.r_star_ci),
            "theory": {"r_star": plain(smaller.theory_r_star), "ci": pair(smaller.theory_ci)},
        },
        "excluded": fit.excluded,
        "sentences": sentences(fit),
    }  # fmt: skip


def _price(fit: ReductionFit) -> dict[str, Any] | None:
    if fit.price is None:
        return None
    return {
        "mode": fit.price.mode,
        "value": fit.price.value,
        "unit": f"{fit.metric} per weight",
        "per_param": plain(fit.price_per_param),
        "per_param_ci": pair(fit.price_ci),
    }
