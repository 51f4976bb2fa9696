"""Inputs by kind, beside those of `inputs`: claims, stored images, programs and runs of them."""

import re
from pathlib import Path
from random import Random

import programs
import yaml
from given import Input
from mutations import changed_bytes, changed_json, changed_text, changed_value, changed_words

from ablations.designs.space import MOST_SEEDS

PICTURES = [
    "show pictures.yaml",
    "run pictures.yaml --dry-run",
    "show pictures.yaml --set data.skip_corrupt=true",
]
CLI = ["show cli.yaml", "run cli.yaml --dry-run"]
BOXES = ["show coco.yaml", "run coco.yaml --dry-run"]
TRAINED = "run {} --study new --wandb disabled --workers 1".format


def claims(draw: Random, world: Path) -> Input:
    text = (world / "claims.yaml").read_text()
    return Input(["claims", "claims.yaml"], {"claims.yaml": _changed_yaml(draw, text)})


def pictures(draw: Random, world: Path) -> Input:
    number = draw.randrange(12)
    name = f"pictures/class{number % 3}/{number}.png"
    content = changed_bytes(draw, (world / name).read_bytes())
    if draw.random() < 0.2:
        content = programs.picture(draw.choice([1, 3, 3000]), draw.choice([1, 5, 16]), 40)
    return Input(draw.choice(PICTURES).split(), {name: content})


def boxes(draw: Random, world: Path) -> Input:
    text = (world / "boxes.json").read_text()
    changed = changed_json(draw, text).encode(errors="surrogatepass")
    return Input(draw.choice(BOXES).split(), {"boxes.json": changed})


def configs(draw: Random, world: Path) -> Input:
    name = draw.choice(["config.yaml", "config.yaml", "cli.yaml"])
    return Input(draw.choice(CLI).split(), {name: _changed_yaml(draw, (world / name).read_text())})


def runs(draw: Random, world: Path) -> Input:
    """Runs that are trained, of a subject that takes a moment."""
    text = (world / "toy.yaml").read_text()
    words = TRAINED("toy.yaml").split()
    if draw.random() < 0.3:
        changed = changed_words(draw, ["--seeds", "1"])
        return Input([*words[:2], *map(_few, changed), *words[2:]], {})
    space = _changed_yaml(draw, text)
    few = re.sub(rb"(?m)(?<=^seeds: )\d+$", lambda n: _few(n[0].decode()).encode(), space)
    return Input(words, {"toy.yaml": few})


def _few(word: str) -> str:
    """Seeds: as many as may be trained take longer than a hang is allowed to; more are refused."""
    return "20" if word.isdigit() and 20 < int(word) <= MOST_SEEDS else word


def _changed_yaml(draw: Random, text: str) -> bytes:
    if draw.random() < 0.4:
        changed = changed_text(draw, text)
    else:
        changed = yaml.safe_dump(changed_value(draw, yaml.safe_load(text)), allow_unicode=True)
    return changed.encode(errors="surrogatepass")
