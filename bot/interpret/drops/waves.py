"""Bursts of drops against the window's own base rate, and what their members share against what is usual."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import timedelta
from statistics import median

from bot.interpret.connection import network
from bot.interpret.drops.tally import Drop
from bot.model import Row, Window

SHARED = ("address", "network", "user", "hub", "transport", "region")
# Fewer connections than this are no wave: one person with three tabs, a laptop that sleeps.
LEAST = 5
# From four in five on, something shared is the rule of a wave.
MOST = 0.8
# The pieces of the window whose median is the base rate: a wave shorter than half of the window does not move it.
_BLOCKS = 12
# In each piece at least half a drop is to be expected, so that a second drop in an empty hour is no burst.
_FLOOR = 0.5
_SCALES = (timedelta(seconds=10), timedelta(seconds=60), timedelta(seconds=300))
# What chance brings once in 1,000 windows is no chance; and a rush hour may bring up to three times the usual.
_CHANCE, _TIMES = 0.001, 3
# Bursts for one reason that follow each other so closely are one wave.
_JOIN = timedelta(seconds=120)


@dataclass(frozen=True, slots=True)
class Usual:
    """What the client connections that started in and before the window have: (what, value) -> how many of `starts`.

    Of addresses only the commonest are known: `rare` is how many starts a missing one can have at most.
    """

    starts: int
    counts: Mapping[tuple[str, str], int]
    rare: int

    def share(self, what: str, value: str, members: int, marked: int) -> float | None:
        """The share (0 to 1) of `value` among connections apart from a wave's `members`, `marked` of which have it.

        Each member is taken off twice, for its own start and for its return. None when nothing is left.
        """
        rest = self.starts - 2 * members
        if rest <= 0:
            rest, marked = self.starts - members, marked // 2
        if rest <= 0:
            return None
        known = self.counts.get((what, value))
        if known is None:
            known = self.rare if what == "address" else 0
        return min(max(known - 2 * marked, 0) / rest, 1.0)


@dataclass(frozen=True, slots=True)
class Mark:
    """`count` of a wave's members share `value` of `what`; `usual` is its share among others, None if unknown."""

    what: str
    value: str
    count: int
    usual: float | None


def usual(rows: Sequence[Row], addresses: Sequence[Row]) -> Usual:
    """From the rows of drops/usual.kql and drops/addresses.kql."""
    counts: Counter[tuple[str, str]] = Counter()
    for row in rows:
        for what, column in (("hub", "HubName"), ("transport", "TransportType"), ("region", "Location")):
            counts[what, row[column]] += row["starts"]
    for row in addresses:
        counts["address", row["CallerIpAddress"]] += row["starts"]
        counts["network", network(row["CallerIpAddress"])] += row["starts"]
    return Usual(sum(row["starts"] for row in rows), counts, min((row["starts"] for row in addresses), default=0))


def bursts(drops: Sequence[Drop], window: Window, weight: float = 1.0) -> list[list[Drop]]:
    """The waves among `drops` (of one kind, in the order of time), each in the order of time; the rest is left out.

    `weight` is how many drops each stands for.
    """
    block = window.span / _BLOCKS
    blocks = Counter(int((drop.at - window.start) / block) for drop in drops)
    base = max(median(blocks[number] for number in range(_BLOCKS)), _FLOOR / weight) / block.total_seconds()
    left = list(drops)
    hot: set[int] = set()
    place = {id(drop): number for number, drop in enumerate(drops)}
    for scale in _SCALES:
        if scale * 2 > window.span:
            break
        expected = base * scale.total_seconds()
        slots: dict[int, list[Drop]] = {}
        for drop in left:
            slots.setdefault(int((drop.at - window.start) / scale), []).append(drop)
        chances = window.span / scale
        for members in slots.values():
            if len(members) >= _TIMES * expected + 2 and _tail(len(members), expected) * chances < _CHANCE:
                hot |= {place[id(drop)] for drop in members}
        left = [drop for drop in left if place[id(drop)] not in hot]
    found: list[list[Drop]] = []
    for number in sorted(hot):
        if found and drops[number].at - found[-1][-1].at <= _JOIN:
            found[-1].append(drops[number])
        else:
            found.append([drops[number]])
    return [_filled(wave, drops) for wave in found if len(wave) * weight >= LEAST]


def marks(wave: Sequence[Drop], known: Usual, weight: float = 1.0) -> list[Mark]:
    """What at least four in five of the members share, the rarest among others first."""
    found = []
    for what in SHARED:
        values = Counter(getattr(drop, what) for drop in wave)
        del values[""]
        if not values:
            continue
        value, count = values.most_common(1)[0]
        if count >= MOST * len(wave):
            usual_share = None
            if what != "user":
                usual_share = known.share(what, value, round(len(wave) * weight), round(count * weight))
            found.append(Mark(what, value, count, usual_share))
    return found


def is_marking(mark: Mark, wave: Sequence[Drop]) -> bool:
    """Whether what is shared is not simply what nearly everyone has; unknown counts as not."""
    return mark.usual is not None and mark.usual <= mark.count / len(wave) / 2


def _filled(wave: Sequence[Drop], drops: Sequence[Drop]) -> list[Drop]:
    """The wave with the drops between its first and last that were not striking on their own."""
    return [drop for drop in drops if wave[0].at <= drop.at <= wave[-1].at]


def _tail(count: int, expected: float) -> float:
    """The chance that a Poisson process which brings `expected` brings at least `count`."""
    if count <= expected:
        return 1.0
    # The first term, in logarithms; those after it fall at least as fast as expected / count.
    first = math.exp(count * math.log(expected) - expected - math.lgamma(count + 1))
    return first / (1 - expected / (count + 1))
