"""The host again, without attention."""

from torch import nn

from ablations.errors import SettingError
from ablations.subjects.attention.attach.hooks import attached_modules, uninstall


def detach(network: nn.Module) -> None:
    """Take all attached attention out of a network, or of a copy of one; what is left is the host as it is now.

    A network that was compiled with attention still runs what was compiled.

    Raises:
        SettingError: If there is none.
    """
    found = attached_modules(network)
    if not found:
        raise SettingError("there is no attached attention in this network; `attach` puts it in.")
    for module in found.values():
        uninstall(module)
