"""What a scene of digits is made of."""

from typing import Self

from pydantic import Field, model_validator

from ablations.subjects.settings import Settings, hint


class SceneSettings(Settings):
    """How scenes are composed. Sizes are in pixels; a digit is drawn as a square of its size, with empty margins."""

    side: int = Field(default=32, ge=16, le=1024)
    """Height and width of a scene."""
    least: int = Field(default=2, ge=1)
    """Digits in a scene, at least."""
    most: int = Field(default=3, ge=1, le=100)
    """Digits in a scene, at most."""
    smallest: int = Field(
        default=12, ge=8, json_schema_extra=hint("The digits have 8 by 8 pixels.")
    )
    """Size of the smallest digits."""
    largest: int = Field(default=16, ge=8)
    """Size of the largest digits."""
    overlap: float = Field(default=0.2, ge=0, le=1)
    """Largest share of the smaller of two boxes that lies in the other one. A later digit covers an earlier one."""
    clutter: int = Field(default=2, ge=0, le=100)
    """Pieces of digits in a scene that belong to nothing."""
    noise: float = Field(default=0.05, ge=0, le=1)
    """Standard deviation of the noise, where ink is 1 and paper 0."""
    seed: int = Field(default=0, ge=0)
    """Of all that is drawn, and of which digits are for training."""

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        pairs = (("least", "most"), ("smallest", "largest"), ("largest", "side"))
        for low, high in pairs:
            small, large = getattr(self, low), getattr(self, high)
            if small > large:
                raise ValueError(f"`{low} <= {high}` must hold, but got {small} and {large}.")
        return self
