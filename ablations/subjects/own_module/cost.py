"""What an arm of a user's program costs before it is trained: parameters, multiply-adds, and those of attention."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import lightning.pytorch as pl
from torch import nn
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import FlopCounterMode

from ablations.errors import SettingError
from ablations.one_thread import one_thread
from ablations.randomness import seed_all, states_kept
from ablations.subjects.attention.attach.passing import undisturbed
from ablations.subjects.attention.attach.table import block_cost, sites, words
from ablations.subjects.lightning.pairing.construct import checked
from ablations.subjects.own_module.attached import attention_of, patterns_of
from ablations.subjects.own_module.batch import examples_in, first_batch, step_of
from ablations.subjects.own_module.built import (
    attach_attention,
    data_of,
    made,
    maker_of,
    parts_of,
    passes,
)
from ablations.subjects.program import Program

UNCOUNTED = ("rnn", "lstm", "gru")
"""Operations that torch's counter leaves out without a word have one of these in their names."""


@dataclass(frozen=True)
class Costs:
    """The costs of a program's arms; what arms share is built and counted once."""

    name: str
    program: Program
    _batches: dict[str, Any] = field(default_factory=dict, repr=False)
    _hosts: dict[str, dict[str, int | None]] = field(default_factory=dict, repr=False)
    _attentions: dict[str, dict[str, Any]] = field(default_factory=dict, repr=False)

    def columns(self, arm: Mapping[str, Any]) -> dict[str, Any]:
        """`params, macs` of an arm's module; with attention also `hidden, channels, c2_eff, attention_params`.

        `macs` are the multiply-adds of one example that torch's counter counts (convolutions, matrix products,
        attention), None where a batch does not pass without a Trainer or has operations that are not counted.

        Raises:
            SettingError: If the module or its data cannot be made, or attention cannot sit where the arm says.
        """
        parts = parts_of(arm)
        model, data = parts.get("model", {}), parts.get("data", {})
        key = json.dumps([model, data], sort_keys=True, default=str)
        if key not in self._hosts:
            self._hosts[key] = self._host(model, data)
        host = self._hosts[key]
        if self.program.attach is None:
            return dict(host)
        key = json.dumps(
            [model, data, parts["attention"], parts["attach"]], sort_keys=True, default=str
        )
        if key not in self._attentions:
            self._attentions[key] = self._attention(arm, model, data)
        of_attention = dict(self._attentions[key])
        macs = of_attention.pop("macs")
        params = (host["params"] or 0) + of_attention["attention_params"]
        return {
            **of_attention,
            "params": params,
            "macs": None if host["macs"] is None else host["macs"] + macs,
        }

    def places(self, arm: Mapping[str, Any]) -> str:
        """The table of the modules that the arm attaches attention to, with maps and cost."""
        parts = parts_of(arm)
        module, batch = self._made(parts.get("model", {}), parts.get("data", {}))
        layout = self.program.attach.layout if self.program.attach else "infer"
        with states_kept(), one_thread():
            rows = sites(
                module,
                patterns_of(arm),
                batch,
                attention=attention_of(arm),
                layout=layout,
                forward=passes(module, self.program),
            )
        return words(rows)

    def _made(self, model: Mapping[str, Any], data: Mapping[str, Any]) -> tuple[Any, Any]:
        """The module as its constructor makes it, and a batch that passes through it."""
        module = self._module(model)
        if not isinstance(module, pl.LightningModule):
            return module, None
        # Where the module has the loaders, its arguments may be what they depend on.
        of = data if self.program.data is not None else model
        key = json.dumps([step_of(module), of], sort_keys=True, default=str)
        if key not in self._batches:
            source = data_of(self.program.data, data)
            self._batches[key] = first_batch(module, source, step=step_of(module))
        return module, self._batches[key]

    def _module(self, model: Mapping[str, Any]) -> nn.Module:
        with states_kept():
            seed_all(0)
            module: nn.Module = made(self.name, model, maker_of(self.name, model))
        return checked(module)

    def _host(self, model: Mapping[str, Any], data: Mapping[str, Any]) -> dict[str, int | None]:
        try:
            module, batch = self._made(model, data)
        except SettingError:
            if self.program.attach is not None:
                raise
            module, batch = self._module(model), None
        params = sum(tensor.numel() for tensor in module.parameters())
        return {"params": params, "macs": None if batch is None else self._macs(module, batch)}

    def _macs(self, module: pl.LightningModule, batch: Any) -> int | None:
        examples = examples_in(batch)
        counter, names = FlopCounterMode(display=False), _Names()
        try:
            with undisturbed(module), one_thread(), counter, names:
                passes(module, self.program)(module, batch)
        except SettingError:
            return None
        if not examples or any(word in name for name in names.seen for word in UNCOUNTED):
            return None
        return int(counter.get_total_flops() // 2 // examples)

    def _attention(
        self, arm: Mapping[str, Any], model: Mapping[str, Any], data: Mapping[str, Any]
    ) -> dict[str, Any]:
        module, batch = self._made(model, data)
        with one_thread():
            attached = attach_attention(module, batch, self.program, arm, seed=0)
        blocks = [block_cost(site, attached.attention) for site in attached.sites]
        return {
            "hidden": [block.hidden for block in blocks],
            "channels": [block.channels for block in blocks],
            "c2_eff": sum(block.channels * block.base for block in blocks),
            "attention_params": sum(block.params for block in blocks),
            "macs": sum(block.macs for block in blocks),
        }


class _Names(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """The names of the operations of its block."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: set[str] = set()

    def __torch_dispatch__(
        self, func: Any, types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        """Note the name and run the operation."""
        del types
        self.seen.add(str(func))
        return func(*args, **(kwargs or {}))
