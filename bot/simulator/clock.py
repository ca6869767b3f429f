"""Simulated time and what is due when."""

from __future__ import annotations

from collections.abc import Callable
from heapq import heapify, heappop, heappush
from typing import TypeVarTuple

Ts = TypeVarTuple("Ts")
_Entry = tuple[int, int, Callable[..., object], tuple[object, ...]]

SECOND = 1000
MINUTE = 60 * SECOND
HOUR = 60 * MINUTE


class Clock:
    """Runs actions in the order of their time; `now` is in milliseconds since the start of the span.

    Only this minute's actions are kept in order; later ones wait by the minute, which keeps long runs fast.
    """

    __slots__ = ("_due", "_later", "_minute", "_serial", "now")

    def __init__(self) -> None:
        self.now = 0
        self._minute = 0
        self._serial = 0
        # The serial settles ties in the order of asking, and keeps the heap from comparing actions.
        self._due: list[_Entry] = []
        self._later: dict[int, list[_Entry]] = {}

    def after(self, delay: int, action: Callable[[*Ts], object], *args: *Ts) -> None:
        """Run `action` with its arguments `delay` milliseconds from now."""
        when = self.now + delay
        minute = when // MINUTE
        self._serial += 1
        if minute <= self._minute:
            heappush(self._due, (when, self._serial, action, args))
        elif minute in self._later:
            self._later[minute].append((when, self._serial, action, args))
        else:
            self._later[minute] = [(when, self._serial, action, args)]

    def run(self, until: int) -> None:
        """Run everything due before `until`, in whole minutes (milliseconds); the rest never happens."""
        for self._minute in range(until // MINUTE):
            due = self._due = self._later.pop(self._minute, []) + self._due
            heapify(due)
            while due:
                self.now, _, action, args = heappop(due)
                action(*args)
        self.now = until
