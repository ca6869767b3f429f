"""Could so many have come together by chance?"""

from __future__ import annotations

import math

# One healthy log in a hundred may be taken for a sick one, no more.
RARE = 0.01


def is_more(seen: int, expected: float) -> bool:
    """Whether `seen` events are too many for chance where `expected` are usual (a Poisson tail below 1 %)."""
    if seen <= 0 or seen <= expected:
        return False
    if expected > 500:
        # The sum below underflows; here the bell curve is exact enough (2.33 standard deviations cut off 1 %).
        return seen > expected + 2.33 * math.sqrt(expected)
    term = below = math.exp(-expected)
    for number in range(1, seen):
        term *= expected / number
        below += term
    return 1 - below < RARE
