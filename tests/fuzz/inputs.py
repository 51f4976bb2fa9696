"""Inputs by kind: a command line, and the files that stand otherwise than in the world."""

import contextlib
import functools
import io
import sqlite3
from collections.abc import Callable, Sequence
from pathlib import Path
from random import Random

import numpy as np
import program_inputs
import yaml
from given import Input, Make
from mutations import WORDS, changed_bytes, changed_json, changed_text, changed_value, changed_words

OPTIONS = [
    "--alpha", "--assurance", "--baseline", "--blocks", "--budget", "--budget-hours", "--channels", "--classes",
    "--cluster", "--confidence", "--design", "--direction", "--dry-run", "--effect", "--error", "--extend", "--factors",
    "--format", "--hours-per-run", "--image", "--implied-by", "--in-channels", "--json", "--margin", "--max-params",
    "--metric", "--minutes", "--objectives", "--per-arm", "--permutations", "--pilot", "--planned", "--price-metric",
    "--price-per-flop", "--price-per-param", "--pruner", "--root", "--sampler", "--seeds", "--set", "--sigma", "--snr",
    "--stack", "--storage", "--study", "--style", "--sweep", "--target-width", "--trials", "--verify", "--workers",
]  # fmt: skip
READING = [
    "status s", "status s --json", "effects s", "effects s --json --margin 0.01", "fit s", "fit s --json",
    "fit s --price-per-param 1e-9", "importance s --permutations 5", "compare s t", "compare s t --json",
    "fit s --blocks 3", "effects s --margin 0.01", "status t", "effects t", "fit t",
]  # fmt: skip
FACTORS = "--factors attention.reduction,gate"
TABLES = [
    f"effects {{}} {FACTORS}", f"effects {{}} --json {FACTORS}", f"fit {{}} --baseline gate=sigmoid {FACTORS}",
    f"importance {{}} --permutations 5 {FACTORS}", f"effects {{}} {FACTORS} --margin 0.01", "effects {}", "fit {}",
]  # fmt: skip
STORAGES = ["effects {}", "effects {} --json", "importance {} --permutations 5"]
SPACES = [
    "show space.yaml", "show space.yaml --design loco", "run space.yaml --dry-run", "show space.yaml --seeds 3",
    "run space.yaml --dry-run --design search --trials 5", "show space.yaml --design zip",
]  # fmt: skip
PLANS = [
    "plan space.yaml --pilot s", "plan space.yaml --sigma 0.01 --effect 0.01", "plan reduction --sigma 0.01 --snr 3",
]  # fmt: skip
"""Seconds each."""
OTHERS = [
    "spaces", "cost cifar_resnet8 --set attention.reduction=4", "cost cifar_resnet8", "show reduction",
    "run reduction --dry-run --seeds 2", "run full --dry-run --design search --trials 4",
    "run space.yaml --dry-run --planned planned.yaml", "show full --set attention.gate=tanh",
    "run gate --dry-run --workers 2 --stack 2",
]  # fmt: skip


def command_lines(draw: Random, world: Path) -> Input:
    words = draw.choice(
        [*READING, *OTHERS, *PLANS, *SPACES, "effects table.csv", "fit export.csv"]
    ).split()
    for _ in range(draw.choice([1, 1, 2, 3])):
        if draw.random() < 0.4:
            words += [draw.choice(OPTIONS), draw.choice(WORDS)]
        else:
            words = [words[0], *changed_words(draw, words[1:])]
    return Input(_harmless(words))


FIGURES = [f"plot t {name} --format svg" for name in ("effects", "ratio", "seeds", "curves")]
CHEAP = [words for words in READING if not words.startswith(("effects", "importance"))]
"""Five times as many inputs for the time of one `effects`; of a study's files most faults are seen by all readers."""


def study_files(draw: Random, world: Path) -> Input:
    words = draw.choice(READING if draw.random() < 0.4 else CHEAP)
    return Input(words.split(), _changed_study(draw, world, "s"))


def figures(draw: Random, world: Path) -> Input:
    """Of the study of two arms: a figure rests on all that a report says, which takes long of the other."""
    if draw.random() < 0.3:
        file, name = draw.choice(
            [("gates.jsonl", "gates"), ("channels.json", "channels"), ("channels.json", "drops")]
        )
        chosen = draw.choice([path for path in _files(world / "runs" / "t") if path.name == file])
        return Input(f"plot t {name} --format svg".split(), _changed(draw, chosen, world))
    return Input(draw.choice(FIGURES).split(), _changed_study(draw, world, "t"))


def _changed_study(draw: Random, world: Path, study: str) -> dict[str, bytes]:
    files = _files(world / "runs" / study)
    chosen = draw.choice([path for path in files if path.parent.name == study] * 8 + files)
    return _changed(draw, chosen, world)


def _changed(draw: Random, chosen: Path, world: Path) -> dict[str, bytes]:
    text = chosen.read_text()
    content = (
        changed_bytes(draw, text.encode())
        if draw.random() < 0.3
        else changed_json(draw, text).encode(errors="surrogatepass")
    )
    return {str(chosen.relative_to(world)): content}


def yaml_files(draw: Random, world: Path) -> Input:
    name, words = draw.choice(
        [("space.yaml", draw.choice(SPACES))] * 4
        + [("planned.yaml", "run space.yaml --dry-run --planned planned.yaml")]
    )
    text = (world / name).read_text()
    match draw.randrange(5):
        case 0 | 1:
            text = changed_text(draw, text)
        case 2 | 3:
            text = yaml.safe_dump(changed_value(draw, yaml.safe_load(text)), allow_unicode=True)
        case _:
            return Input(words.split(), {name: changed_bytes(draw, text.encode())})
    if draw.random() < 0.05:
        links = "\n".join(f"a{i}: &a{i} [{', '.join([f'*a{i - 1}'] * 9)}]" for i in range(1, 12))
        text = f"a0: &a0 x\n{links}\n{text}\nquestion: *a11\n"
    return Input(words.split(), {name: text.encode(errors="surrogatepass")})


def tables(draw: Random, world: Path) -> Input:
    name = draw.choice(["table.csv", "table.csv", "export.csv", "api.csv"])
    words = draw.choice(TABLES).format(name).split()
    if draw.random() < 0.2:
        words = [words[0], *changed_words(draw, words[1:])]
    content = (world / name).read_bytes()
    for _ in range(draw.choice([1, 1, 2, 4])):
        if draw.random() < 0.3:
            content = changed_bytes(draw, content)
        elif draw.random() < 0.5:
            content = changed_text(draw, content.decode(errors="replace")).encode(
                errors="surrogatepass"
            )
        else:
            content = _changed_cell(draw, content.decode(errors="replace")).encode(
                errors="surrogatepass"
            )
    return Input(_harmless(words), {name: content})


def _changed_cell(draw: Random, text: str) -> str:
    grid = [line.split(",") for line in text.splitlines()] or [[""]]
    row = draw.choice(grid)
    column = draw.randrange(len(row))
    if draw.random() < 0.3:  # a whole column of one thing
        word = draw.choice(WORDS)
        for line in grid[1:]:
            if column < len(line):
                line[column] = word
    else:
        row[column] = draw.choice(WORDS)
    return "\n".join(map(",".join, grid)) + "\n"


def archives(draw: Random, world: Path) -> Input:
    words = draw.choice(
        ["show data.yaml", "run data.yaml --dry-run", "show data.yaml --verify"]
    ).split()
    content = (world / "data.npz").read_bytes()
    if draw.random() < 0.4:
        return Input(words, {"data.npz": changed_bytes(draw, content)})
    arrays = dict(np.load(io.BytesIO(content)))
    for _ in range(draw.choice([1, 1, 2])):
        name = draw.choice(sorted(arrays))
        # Not every change suits every array.
        with contextlib.suppress(ValueError, IndexError, TypeError), np.errstate(all="ignore"):
            arrays[name] = draw.choice(_ARRAYS)(draw, arrays[name])
        if draw.random() < 0.1:
            arrays[draw.choice(["lengths", "z", "X"])] = np.full(24, draw.choice([0, 3, 8, 9, -1]))
        if draw.random() < 0.05:
            arrays.pop(draw.choice(sorted(arrays)))
            break
    held = io.BytesIO()
    np.savez(held, **arrays)  # type: ignore[arg-type]
    return Input(words, {"data.npz": held.getvalue()})


def _one_replaced(draw: Random, x: np.ndarray) -> np.ndarray:
    x = x.astype(np.float64).copy()
    if x.size:
        x.flat[draw.randrange(x.size)] = draw.choice([np.nan, np.inf, 1e300, -1, 0.5, 2e15, 1e38])
    return x


_ARRAYS: list[Callable[[Random, np.ndarray], np.ndarray]] = [
    _one_replaced,
    lambda draw, x: x[: draw.randrange(4)],
    lambda draw, x: x.astype(draw.choice(["f2", "f8", "i1", "u1", "c8", "U3", "O", "M8[s]", "?"])),
    lambda draw, x: x * draw.choice([0, 1e30, 1e-30, -1, 1e300]),
    lambda draw, x: np.moveaxis(x, 0, -1),
    lambda draw, x: x[None],
    lambda draw, x: x.reshape(x.shape[0], -1),
    lambda draw, x: np.zeros((0, *x.shape[1:])),
    lambda draw, x: np.eye(max(1, len(x)))[: len(x)],
    lambda draw, x: np.repeat(x, draw.choice([2, 9]), axis=-1),
]


def storages(draw: Random, world: Path) -> Input:
    if draw.random() < 0.5:
        text = (world / "optuna.log").read_text()
        url, name = "journal://optuna.log#o", "optuna.log"
        content = changed_json(draw, text).encode(errors="surrogatepass")
        if draw.random() < 0.3:
            content = changed_bytes(draw, text.encode())
    else:
        url, name = "sqlite:///optuna.db#o", "optuna.db"
        content = _changed_database(draw, (world / name).read_bytes())
    words = draw.choice(STORAGES).format(url).split()
    if draw.random() < 0.1:
        words = [words[0], *changed_words(draw, words[1:])]
    return Input(_harmless(words), {name: content})


def _changed_database(draw: Random, content: bytes) -> bytes:
    if draw.random() < 0.4:
        return changed_bytes(draw, content)
    base = sqlite3.connect(":memory:")
    base.deserialize(content)
    base.create_function("drawn", 0, lambda: draw.getrandbits(30))
    names = [row[0] for row in base.execute("select name from sqlite_master where type='table'")]
    name = draw.choice(names)
    columns = [row[1] for row in base.execute(f"pragma table_info({name})")]
    word = draw.choice([*WORDS, 0, -1, 1e308, None, b"\xff"])
    if isinstance(word, str):
        word = word.encode(errors="replace").decode()
    try:
        if draw.random() < 0.2:
            base.execute(f"delete from {name} where drawn() % 3 = 0")
        else:
            only = "" if draw.random() < 0.3 else " where drawn() % 9 = 0"
            base.execute(f"update {name} set {draw.choice(columns)} = ?{only}", [word])
        base.commit()
    except sqlite3.Error:
        return changed_bytes(draw, content)
    return base.serialize()


KINDS: dict[str, Make] = {
    "command lines": command_lines,
    "study files": study_files,
    "figures": figures,
    "YAML": yaml_files,
    "CSV and W&B exports": tables,
    "npz": archives,
    "Optuna storages": storages,
    "claims": program_inputs.claims,
    "images": program_inputs.pictures,
    "COCO": program_inputs.boxes,
    "LightningCLI": program_inputs.configs,
    "runs": program_inputs.runs,
}
WEIGHTS = dict(zip(KINDS, (26, 14, 4, 11, 21, 11, 6, 6, 6, 6, 6, 6), strict=True))
"""Such that each kind gets some hundreds in ten minutes; those that take half a second each no more than that."""


def made(
    seed: int, number: int, world: Path, kinds: Sequence[str] = tuple(KINDS)
) -> tuple[str, Input]:
    """The input of that number, of one of the kinds: the same for the same seed."""
    draw = Random(f"{seed}/{number}")
    kind = draw.choices(kinds, [WEIGHTS[name] for name in kinds])[0]
    return kind, KINDS[kind](draw, world)


@functools.cache
def _files(folder: Path) -> list[Path]:
    return sorted(path for path in folder.rglob("*") if path.is_file())


def _harmless(words: list[str]) -> list[str]:
    """A run is planned only: what it trains is not what is looked for here, and servers are not started."""
    if words[:1] == ["run"] and "--dry-run" not in words:
        words = [*words, "--dry-run"]
    return [word for word in words if word not in ("--debug", "--open")]
