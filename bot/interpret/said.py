"""Small words every answer shares: moments, counts, shares, lists."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime


def moment(at: datetime) -> str:
    """'2026-11-23 10:05:15 UTC'."""
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"


def period(first: datetime, last: datetime) -> str:
    """'2026-11-23 10:05:15 to 10:20:00 UTC'; one moment where both are the same, the second date where it differs."""
    start, end = moment(first), moment(last)
    if start == end:
        return start
    day, time = end.split(" ", 1)
    return f"{start.removesuffix(' UTC')} to {time if start.startswith(day) else end}"


def during(first: datetime, last: datetime) -> str:
    """The period as a part of a sentence: 'from ... to ...', 'at ...'."""
    return f"{'at' if moment(first) == moment(last) else 'from'} {period(first, last)}"


def count(number: int, thing: str, plural: str = "") -> str:
    """'1 record', '12 records', '12,000 records'; `plural` where an s is not enough."""
    return f"{number:,} {thing if number == 1 else plural or thing + 's'}"


def percent(part: float, whole: float = 1) -> str:
    """'3 %', 'under 1 %', 'over 99 %'; '0 %' and '100 %' only where they are exact."""
    share = part / whole if whole else 0.0
    if 0 < share < 0.01:
        return "under 1 %"
    return "over 99 %" if 0.995 <= share < 1 else f"{100 * share:.0f} %"


def some(names: Sequence[str], most: int = 3) -> str:
    """'a, b and c', 'a, b, c and 12 more'."""
    if len(names) > most:
        return f"{', '.join(names[:most])} and {len(names) - most:,} more"
    return " and ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else "".join(names)


def short(text: str, most: int) -> str:
    """`text` on one line of at most `most` characters."""
    flat = " ".join(text.split())
    return flat if len(flat) <= most else flat[: most - 1] + "\u2026"


def lower(text: str) -> str:
    """`text` as the continuation of a sentence."""
    return text[:1].lower() + text[1:]
