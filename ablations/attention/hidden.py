"""How many hidden units the bottleneck has. Nothing is rounded unless a rule is named."""

from ablations.errors import SettingError


def hidden_width(channels: int, reduction: float) -> int:
    """C/r, which must be whole.

    Raises:
        SettingError: If C/r is below 1 or not whole.
    """
    exact = channels / reduction
    if exact < 1:
        raise SettingError(
            f"`reduction <= channels` must hold, but got {reduction:g} at {channels} channels: "
            f"no hidden unit would be left. Use a smaller reduction or a wider network."
        )
    if exact != int(exact):
        raise SettingError(
            f"`channels / reduction` must be whole, but got {channels} / {reduction:g} = {exact:g}. "
            f"Choose a reduction that divides {channels}."
        )
    return int(exact)
