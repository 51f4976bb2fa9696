"""Channel attention put into any network, in place; its tensors keep their names, and its checkpoints load."""

from dataclasses import dataclass
from typing import Any

import torch
from torch import nn

from ablations.errors import SettingError
from ablations.failures import words_of
from ablations.streams import initialise, stream
from ablations.subjects.attention.attach.hooks import CHILD, Mask, install, is_attached, uninstall
from ablations.subjects.attention.attach.layouts import Asked
from ablations.subjects.attention.attach.matching import At
from ablations.subjects.attention.attach.observing import count_calls
from ablations.subjects.attention.attach.passing import Forward, call
from ablations.subjects.attention.attach.places import Site, Survey, survey
from ablations.subjects.attention.attach.rules import refuse_the_matchs
from ablations.subjects.attention.blocks.build import build_block
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import unused

SHOWN = 3


@dataclass(frozen=True, kw_only=True)
class Attached:
    """A network with attention in it."""

    network: nn.Module
    attention: Attention
    sites: tuple[Site, ...]
    """Where it sits, in the network's order; none with `placement='none'`."""

    def check(self) -> None:
        """Refuse a network that has lost a hook: what replaces modules (`convert_sync_batchnorm`) drops them.

        Raises:
            SettingError: With the site that would not run.
        """
        for site in self.sites:
            module = dict(self.network.named_modules()).get(site.name)
            if module is None or not is_attached(module):
                raise SettingError(
                    f"`{site.name}` was replaced after attention was attached to it, so its attention would not "
                    "run. Attach after whatever replaces modules (convert_sync_batchnorm, fusing, quantising)."
                )


def attach(
    network: nn.Module,
    *,
    at: At,
    attention: Attention,
    example: Any,
    seed: int | None = None,
    layout: Asked = "infer",
    forward: Forward = call,
    mask: str | None = None,
) -> Attached:
    """Put attention into a network, at every module that `at` matches.

    The network is changed in place: each of these modules gets a child `channel_attention`, run by a hook. Make the
    optimiser, wrap and compile afterwards.

    Args:
        network: The host.
        at: Which modules: a pattern of dotted names (`"encoder.*.conv2"`, as of `fnmatch`), a class, a class by its
            import path (`"torch.nn:BatchNorm2d"`), or a list of these.
        attention: What is put, and at which side of the module. `standard`: after it; `pre`: before it; `post` and
            `identity`: after the sum, and on the shortcut, of a residual unit; `none`: nothing.
        example: A batch that the network takes, on its device; a mapping goes in as keywords, a tuple as arguments.
        seed: Of the attention's first weights, each tensor's from the stream of its name; the seed of torch's global
            generator unless given. No random state moves.
        layout: Where the channels of a map are, if it cannot be seen.
        forward: How the example passes through the network.
        mask: An argument of each of these modules that is True at the positions that count, (n, ...): padded tokens
            and nodes are then in no squeeze. All count where it is None.

    Returns:
        The network and the sites.

    Raises:
        SettingError: If any of that cannot be; the network is then as it was.
    """
    refuse_the_matchs(attention)
    found = survey(
        network,
        at=at,
        example=example,
        placement=attention.placement,
        layout=layout,
        forward=forward,
    )
    if attention.placement == "none":
        return Attached(network=network, attention=attention, sites=())
    _refuse_unfit(found, attention)
    modules = dict(network.named_modules())
    for site in found.sites:
        _refuse_taken(site, modules[site.name])
    masks = {
        site.name: None if mask is None else Mask.of(modules[site.name], mask)
        for site in found.sites
    }
    draw = torch.initial_seed() if seed is None else seed
    blocks = {
        site.name: _started(site, attention, modules[site.name], network, seed=draw)
        for site in found.sites
    }
    for site in found.sites:
        install(
            modules[site.name],
            blocks[site.name],
            placement=attention.placement,
            layout=site.layout,
            mask=masks[site.name],
        )
    try:
        _refuse_other_calls(network, found, example, forward)
    except BaseException:
        for site in found.sites:
            uninstall(modules[site.name])
        raise
    return Attached(network=network, attention=attention, sites=found.sites)


def block_at(site: Site, attention: Attention) -> nn.Module:
    """The attention for a site, not yet initialised.

    Raises:
        SettingError: If it is illegal there.
    """
    pools_by_gem = attention.squeeze == "gem" and "squeeze" not in unused(attention)
    if pools_by_gem and site.lowest < 0:
        raise SettingError(
            f"At `{site.name}`: `squeeze='gem'` needs a map that is nowhere negative, but it has "
            f"{site.lowest:.3g}. Match the activation after it, or use `squeeze='lp'`."
        )
    try:
        return build_block(
            attention,
            channels=site.channels,
            base=base_of(site, attention),
            dims=len(site.size),
            size=site.size,
        )
    except SettingError as error:
        raise SettingError(f"At `{site.name}`: {error}") from None


def base_of(site: Site, attention: Attention) -> int:
    """The channels that the reduction divides.

    Raises:
        SettingError: If those that enter the module are asked for and cannot be told.
    """
    if attention.reduction_base == "block_output":
        return site.outputs
    if attention.reduction_base == "own" or "reduction_base" in unused(attention):
        return site.channels
    if site.inputs is None:
        raise SettingError(
            f"At `{site.name}`: `reduction_base='block_input'` needs the channels that enter the module, but what "
            "enters is no map whose channels can be told. Use 'own' or 'block_output'."
        )
    return site.inputs


def _started(
    site: Site, attention: Attention, module: nn.Module, network: nn.Module, *, seed: int
) -> nn.Module:
    """The block with its first weights, where and in the type that the host computes in."""
    # On the CPU, whatever the device: the same numbers on every machine. Building draws, and nobody is to notice.
    with torch.device("cpu"), stream(seed, "attach"):
        block = block_at(site, attention)
        initialise(block, seed=seed, under=f"{site.name}.{CHILD}")
    kinds = (p.dtype for m in (module, network) for p in m.parameters() if p.is_floating_point())
    block.to(device=site.device, dtype=next(kinds, torch.float32))
    return block.train(module.training)


def _refuse_taken(site: Site, module: nn.Module) -> None:
    if is_attached(module):
        raise SettingError(
            f"`{site.name}` has attention attached already. Take it out first (`detach`), or match other modules."
        )
    if hasattr(module, CHILD):
        raise SettingError(
            f"the attention of `{site.name}` would be its child `{CHILD}`, but the module has one of that name. "
            "Rename the module's, or match another."
        )


def _refuse_unfit(found: Survey, attention: Attention) -> None:
    if not found.unfit:
        return
    reasons: dict[str, list[str]] = {}
    for one in found.unfit:
        reasons.setdefault(one.problem, []).append(f"`{one.name}` ({one.kind})")
    listed = "; ".join(
        f"{', '.join(names[:SHOWN])}{_more(len(names))}: {problem}"
        for problem, names in list(reasons.items())[:SHOWN]
    ) + _more(len(reasons))
    if all(one.no_map for one in found.unfit) and not found.sites:
        raise SettingError(
            "`at` must match modules with a map (n, channels, ...) or tokens (n, tokens, channels), but matches only "
            f"others: {listed}."
        )
    raise SettingError(
        f"attention with placement={attention.placement!r} fits {len(found.sites)} of the {len(found.found)} "
        f"modules that `at` matches; it does not fit: {listed}."
    )


def _more(count: int) -> str:
    return f" and {count - SHOWN} more" if count > SHOWN else ""


def _refuse_other_calls(network: nn.Module, found: Survey, example: Any, forward: Forward) -> None:
    """A host that runs all children of a module runs the attention too: the same calls as before, and one of each."""
    try:
        calls = count_calls(network, example, forward)
    except SettingError as error:
        cause = error.__cause__
        if not isinstance(cause, Exception):
            raise
        raise SettingError(
            f"the network runs alone, but with attention it fails: {words_of(cause)}. A host that runs all "
            "children of a module (a `ModuleDict` with a `forward`) runs the attention as well: match a module inside "
            "it, or after it."
        ) from cause
    for site in found.sites:
        ran = calls[f"{site.name}.{CHILD}"]
        if ran != 1:
            raise SettingError(
                f"the attention of `{site.name}` must run once in a pass, but runs {ran} times: the host runs the "
                "children of that module itself. Match a module inside it."
            )
    ours = tuple(f"{site.name}.{CHILD}." for site in found.sites)
    for name in sorted(calls.keys() | found.calls.keys()):
        before = found.calls[name]
        if name and calls[name] != before and not f"{name}.".startswith(ours):
            raise SettingError(
                f"the host must run as before, but with a further child in a module `{name}` runs {calls[name]} "
                f"times and not {before}: the host counts children. Match other modules."
            )
