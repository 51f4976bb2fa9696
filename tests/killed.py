"""A run that is killed at one of its steps, in this process."""


class Killed(BaseException):
    """Not an Exception: nothing on the way may take it for a failure of the run."""


class Steps:
    """Counts them, and ends a run at one."""

    def __init__(self, killed_at: int = 0) -> None:
        self.count, self.killed_at = 0, killed_at

    def __call__(self) -> None:
        self.count += 1
        if self.count == self.killed_at:
            raise Killed
