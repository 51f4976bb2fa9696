"""The forms of a study's records (docs/study-folder.md), each an adapter that reads JSON and checks it at once.

What a record has beyond its form is kept. Reading 10 000 records with these takes as long as reading them as
JSON without a check.
"""

import re
from datetime import datetime
from typing import Annotated, Any, Literal, NotRequired

from pydantic import AfterValidator, ConfigDict, Field, TypeAdapter, ValidationError
from pydantic_core import PydanticCustomError
from typing_extensions import TypedDict  # pydantic refuses typing's own before Python 3.12

from plain_files.study_records import NAME
from plain_files.words import one_line

MOST_ATTEMPTS = 100_000
MOST_EPOCHS = 100_000_000
LARGEST_SEED = 2**63 - 1
LARGEST_SIZE = 2**53


def _time(text: str) -> str:
    datetime.fromisoformat(text)
    return text


STRICT = ConfigDict(extra="allow", strict=True)
Name = Annotated[str, Field(pattern=rf"^{NAME.pattern}$")]
Whole64 = Annotated[int, Field(ge=-(2**63), le=2**63)]
Amount = Annotated[
    Annotated[int, Field(ge=0, le=2**63)] | Annotated[float, Field(ge=0, allow_inf_nan=False)],
    Field(union_mode="left_to_right"),
]
Number = Annotated[
    Whole64 | Annotated[float, Field(allow_inf_nan=False)], Field(union_mode="left_to_right")
]
Whole = Annotated[int, Field(ge=0, le=MOST_EPOCHS)]
Size = Annotated[int, Field(ge=1, le=LARGEST_SIZE)]
Seed = Annotated[int, Field(ge=0, le=LARGEST_SEED)]
Finite = Annotated[float, Field(allow_inf_nan=False)]
Plain = Annotated[int | Finite | str | bool | None, Field(union_mode="left_to_right")]
Mapping = dict[str, Any]
Time = Annotated[str, AfterValidator(_time)]
Label = Annotated[str, AfterValidator(one_line)]
OneLine = Annotated[str, Field(pattern=r"^[^\n]*$")]
"""A label that was read from the plan: to make it one line again takes a call of Python for each."""
Direction = Literal["minimize", "maximize"]
Stage = Literal["grid", "loco", "one_in", "fractional", "zip", "search", "confirm"]
State = Literal["COMPLETE", "PRUNED", "FAILED"]
Attempt = Annotated[int, Field(ge=1, le=MOST_ATTEMPTS)]
Bytes = Annotated[int, Field(ge=0)]


class _Costs(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    hidden: NotRequired[list[Size | None] | None]
    channels: NotRequired[list[Size | None] | None]
    c2_eff: NotRequired[Number | None]
    params: NotRequired[Number | None]
    attention_params: NotRequired[Number | None]
    macs: NotRequired[Number | None]


def _of_blocks(cost: _Costs) -> _Costs:
    """Hidden widths are those of the blocks whose channels stand beside them."""
    hidden, channels = cost.get("hidden"), cost.get("channels")
    if hidden is not None and channels is not None and len(hidden) != len(channels):
        raise PydanticCustomError("blocks", "must have as many `hidden` as `channels`")
    return cost


class _Planned(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    run: Name
    arm: str
    label: Label
    seed: Seed
    stage: Stage
    settings: NotRequired[Mapping]
    factors: NotRequired[dict[str, Plain]]
    cost: NotRequired[Annotated[_Costs, AfterValidator(_of_blocks)]]
    epochs_planned: NotRequired[Whole | None]


class _Result(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    state: State
    run: NotRequired[Name]
    attempt: NotRequired[Attempt]
    epochs_run: NotRequired[Whole | None]
    seconds: NotRequired[Amount | None]
    latency: NotRequired[Amount | None]
    device: NotRequired[str | None]
    error: NotRequired[Mapping | None]
    started: NotRequired[Time | None]
    ended: NotRequired[Time | None]
    versions: NotRequired[Mapping | None]
    stacked: NotRequired[Whole | None]


class _Epoch(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    epoch: Annotated[int, Field(ge=1, le=MOST_EPOCHS)]
    seconds: NotRequired[Amount | None]


class _Factor(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    name: str
    levels: NotRequired[list[Plain | list[Any]] | None]


class _Space(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    name: NotRequired[str]
    question: NotRequired[str]
    subject: NotRequired[str]
    factors: NotRequired[list[_Factor]]
    controls: NotRequired[dict[str, Mapping]]
    baseline: NotRequired[Mapping]


class _Metric(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    direction: Direction
    unit: NotRequired[str]


class _Extension(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    at: NotRequired[str]
    added: list[str]


class _RuleChange(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    at: NotRequired[str]
    after: Annotated[int, Field(ge=0)]
    changes: list[str]
    was: Mapping


class _Study(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    study: NotRequired[str]
    design: NotRequired[str]
    seeds: NotRequired[list[Seed]]
    space: NotRequired[_Space]
    baseline: NotRequired[dict[str, Plain] | None]
    baseline_arm: NotRequired[str | None]
    metric: NotRequired[str]
    metrics: NotRequired[dict[str, _Metric] | None]
    tested: NotRequired[dict[str, _Metric] | None]
    direction: NotRequired[Direction]
    fingerprint: NotRequired[Mapping]
    search: NotRequired[Mapping]
    storage: NotRequired[str]
    planned: NotRequired[Mapping | None]
    runs_table: NotRequired[Mapping]
    extensions: NotRequired[list[_Extension]]
    drifts: NotRequired[list[Mapping]]
    rule_changes: NotRequired[list[_RuleChange]]


_Listed = tuple[
    Name,
    Bytes,
    int,
    Whole,
    State,
    str,
    OneLine,
    Seed,
    Stage,
    Number | None,
    Number | None,
    Amount | None,
]
"""In the order of `outcome_list.Listed`."""


class _ListedPlan(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    size: Bytes
    mtime_ns: int
    runs: Whole
    metric: str


class _Compared(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    metric: str
    label: Label
    arm: str
    validation: str
    validation_estimate: Number
    estimate: Number
    low: Number | None
    high: Number | None
    p_holm: Number | None
    n_pairs: Whole
    paired: bool


class _TestedArm(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    arm: str
    label: Label
    n: Whole


class _Tested(TypedDict):
    __pydantic_config__ = STRICT  # type: ignore[misc]
    looked: Time
    metric: str
    direction: Direction
    runs: Whole
    metrics: dict[str, _Metric]
    arms: list[_TestedArm]
    comparisons: list[_Compared]


PLANNED: TypeAdapter[Any] = TypeAdapter(_Planned)
RESULT: TypeAdapter[Any] = TypeAdapter(_Result)
EPOCH: TypeAdapter[Any] = TypeAdapter(_Epoch)
OUTCOMES: TypeAdapter[Any] = TypeAdapter(list[_Listed], config=ConfigDict(strict=True))
LISTED_PLAN: TypeAdapter[Any] = TypeAdapter(_ListedPlan)
TESTED: TypeAdapter[Any] = TypeAdapter(_Tested)
STUDY: TypeAdapter[Any] = TypeAdapter(_Study)
RULES = {
    "string_pattern_mismatch": "must be a name of letters, digits, `_`, `-` and `.`",
    "value_error": "must be a time (ISO 8601)",
    "finite_number": "must be finite",
    "dict_type": "must be a mapping",
    "list_type": "must be a list",
    "int_type": "must be a whole number",
    "int_from_float": "must be a whole number",
    "string_type": "must be a text",
}


def reason_of(error: ValidationError) -> str:
    """The first thing that is wrong with a record, in words."""
    first = error.errors(include_url=False)[0]
    kind, found = first["type"], first.get("input")
    parts = [str(part) for part in first["loc"]]
    # Of a union pydantic adds which member it tried.
    name = ".".join(
        part
        for part in parts
        if not re.search(r"[\[(]|^constrained-|^(int|float|str|bool|none)$", part)
    )
    if kind == "json_invalid":
        return f"it is no JSON: {first['ctx']['error']}"
    if kind in ("dict_type", "missing") and not name:
        return f"it must hold an object, but holds a {type(found).__name__}"
    if kind == "missing":
        return f"it lacks `{name}`"
    if kind.endswith("_type") and len(error.errors()) > 1 and "." in name:
        return f"`{name}` has a value of the wrong kind: {found!r:.60}"
    rule = RULES.get(kind) or first["msg"].replace("Input should", "must", 1)
    return f"`{name}` {rule}, but is {found!r:.60}"
