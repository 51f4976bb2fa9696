"""Settings of attention that say where in a unit of ours it sits: in any network the match says that."""

from ablations.errors import SettingError
from ablations.subjects.attention.settings.groups import Attention
from ablations.subjects.attention.settings.rules import WIDENINGS


def refuse_the_matchs(attention: Attention) -> None:
    """Refuse what `at` says, and what only a host of ours can do.

    Raises:
        SettingError: With what to match instead.
    """
    if attention.placement == "none":
        return
    if attention.placement == "inner":
        raise SettingError(
            "`placement='inner'` is after a unit's first 3x3 convolution, which only the match can name: match "
            "that convolution, with `placement='standard'`."
        )
    for field in ("stages", "blocks"):
        value = getattr(attention, field)
        if value != "all":
            raise SettingError(
                f"`{field}` counts the units of a built-in network, but got {value!r} for one of yours: say which "
                "modules by `at`."
            )
    if attention.order != "before":
        raise SettingError(
            f"`order` is before or after a unit's activation, which only the match can name, but got "
            f"{attention.order!r}: match the activation itself."
        )
    if attention.control in WIDENINGS:
        raise SettingError(
            f"`control={attention.control!r}` widens a built-in network, and no other: widen yours by its own "
            "settings, and compare parameters (`sites` has the attention's)."
        )
