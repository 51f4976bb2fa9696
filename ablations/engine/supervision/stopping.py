"""SIGINT and SIGTERM as something the supervisor looks at between two steps."""

import signal
import threading
from types import FrameType, TracebackType
from typing import Self


class StopSignals:
    """While in its `with` block, SIGINT and SIGTERM are noted instead of ending the process.

    Outside the main thread Python delivers no signals, and none are noted.
    """

    NAMES = (signal.SIGINT, signal.SIGTERM)

    def __init__(self) -> None:
        self.received: signal.Signals | None = None
        """The first signal that came."""
        self.count = 0
        self._before: dict[signal.Signals, signal.Handlers | None] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            for name in self.NAMES:
                self._before[name] = signal.signal(name, self._note)  # type: ignore[assignment]
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for name, handler in self._before.items():
            signal.signal(name, handler)

    def _note(self, number: int, frame: FrameType | None) -> None:
        del frame
        self.received = self.received or signal.Signals(number)
        self.count += 1
