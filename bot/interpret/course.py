"""Whether a kind of close became more common at some time of the window, or simply is common here.

Phones that lose their network and tabs that sleep never say goodbye: where half of all clients are such, half of the
closes are time-outs on every day. Only a share that changed is news.
"""

from __future__ import annotations

from collections.abc import Mapping

# The queries cut the window into so many steps.
STEPS = 20
# A share that tripled is a change; so many closes are needed on either side of it to know both shares.
TIMES, LEAST = 3.0, 20


def rose(kind: Mapping[int, int], closes: Mapping[int, int]) -> bool:
    """Whether in some stretch of the window the share of `kind` among `closes`, both by step, was TIMES the rest's."""
    return any(
        _is_rise(kind, closes, range(begin, end))
        for begin in range(STEPS)
        for end in range(begin + 1, STEPS + 1)
        if end - begin < STEPS
    )


def _is_rise(kind: Mapping[int, int], closes: Mapping[int, int], stretch: range) -> bool:
    mine, of = (sum(counts.get(step, 0) for step in stretch) for counts in (kind, closes))
    others, of_others = sum(kind.values()) - mine, sum(closes.values()) - of
    # One close more or less among the others must not decide it.
    return mine >= LEAST and of_others >= LEAST and mine * of_others >= TIMES * (others + 1) * of
