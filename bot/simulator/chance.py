"""Random draws that are the same on every machine and every supported Python."""

from __future__ import annotations

import random
from collections.abc import Sequence
from typing import TypeVar
from uuid import UUID

T = TypeVar("T")


class Dice:
    """One named stream of draws; streams of one seed do not disturb each other.

    Only `random()` and `getrandbits()` are used, whose sequences Python promises to keep, and only
    arithmetic that IEEE 754 fixes to the last bit: no logarithms, so that no C library shows through.
    """

    __slots__ = ("bits", "unit")

    def __init__(self, seed: int, name: str) -> None:
        source = random.Random(f"{seed}/{name}")  # noqa: S311 - a simulation wants repeatable draws
        self.unit = source.random
        self.bits = source.getrandbits

    def below(self, limit: int) -> int:
        """A whole number from 0 to `limit` - 1."""
        return int(self.unit() * limit)

    def between(self, least: int, most: int) -> int:
        """A whole number from `least` to `most`, both included."""
        return least + int(self.unit() * (most - least + 1))

    def pick(self, choices: Sequence[T]) -> T:
        return choices[int(self.unit() * len(choices))]

    def spread(self, quantiles: Sequence[int], scale: int) -> int:
        """A draw from the distribution with these evenly spaced quantiles (in thousandths), times `scale`."""
        place = self.unit() * (len(quantiles) - 1)
        step = int(place)
        low = quantiles[step]
        return int((low + (quantiles[step + 1] - low) * (place - step)) * scale) // 1000

    def shuffled(self, items: Sequence[T]) -> list[T]:
        """The items in a random order."""
        mixed = list(items)
        for place in range(len(mixed) - 1, 0, -1):
            other = self.below(place + 1)
            mixed[place], mixed[other] = mixed[other], mixed[place]
        return mixed

    def guid(self) -> str:
        return str(UUID(int=self.bits(128), version=4))
