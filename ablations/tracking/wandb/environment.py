"""Which variables of the environment reach W&B."""

from collections.abc import Mapping

# The study decides mode, names and folders; these say who the user is and how to reach the server.
# WANDB_SERVICE above all would attach a process to another program's W&B.
KEPT = frozenset(
    f"WANDB_{name}"
    for name in (
        "API_KEY",
        "BASE_URL",
        "ENTITY",
        "IDENTITY_TOKEN_FILE",
        "CREDENTIALS_FILE",
        "CONFIG_DIR",
        "CACHE_DIR",
        "DATA_DIR",
        "HTTP_TIMEOUT",
    )
)


def wandb_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """The environment without the variables that would change what W&B does."""
    return {
        name: value
        for name, value in environment.items()
        if not name.startswith("WANDB_") or name in KEPT
    }
