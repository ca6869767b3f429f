"""The times and durations that people type, and the ones that we write back.

A moment is an ISO 8601 date or date-time (`2026-11-23`, `2026-11-23T14:05:30.25+01:00`, `20261123T140530Z`),
a clock time (`14:05`), either after `today` or `yesterday`, `now`, or a duration ago (`2h ago`, `-2h`). One
without a zone is read in the asker's, with these rules:

- `14:05` alone is the last one: today's when it is past, else yesterday's.
- A local time that daylight saving skips is refused; one that comes twice is the earlier of the two
  (write the offset to mean the later).
- A day alone is its first instant.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, timezone, tzinfo

from bot.errors import UsageError

WORKING_TIME = "2026-11-23T14:05Z"
# No log is older, and what is added to a time or taken from it later stays on Python's calendar.
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9990, 1, 1, tzinfo=UTC)

_TOO_EARLY = f"That is further back than any log goes: the first year is {EARLIEST.year}."
_TOO_LATE = f"That is further ahead than any log goes: the last year is {LATEST.year - 1}."

_UNITS = {
    604_800: "w wk wks week weeks",
    86_400: "d day days",
    3_600: "h hr hrs hour hours",
    60: "m min mins minute minutes",
    1: "s sec secs second seconds",
}
_SECONDS_IN = {name: seconds for seconds, names in _UNITS.items() for name in names.split()}
_STEP = re.compile(r"([0-9]+(?:\.[0-9]+)?) ?([A-Za-z]+) ?")
_STEPS = re.compile(rf"(?:{_STEP.pattern})+")
_LONGEST_NUMBER = 12  # digits; more is no length of time that anyone means

_ZONE = r"(?: ?(?P<zone>Z|UTC|GMT|[+\-\u2212][0-9]{2}(?::?[0-9]{2})?))?"
_SECONDS = r"(?P<second>[0-9]{2})(?:[.,](?P<fraction>[0-9]+))?"
_CLOCK = rf"(?P<hour>[0-9]{{1,2}}):(?P<minute>[0-9]{{2}})(?::{_SECONDS})?"
_FORMS = tuple(
    re.compile(form + _ZONE, re.IGNORECASE | re.ASCII)
    for form in (
        rf"(?:(?P<word>today|yesterday)(?:,? |T))?{_CLOCK}",
        r"(?P<word>today|yesterday)",
        rf"(?P<date>[0-9]{{4}}-[0-9]{{2}}-[0-9]{{2}})(?:,? |T){_CLOCK}",
        r"(?P<date>[0-9]{4}-[0-9]{2}-[0-9]{2})(?:T(?P<hour>[0-9]{2}))?",
        rf"(?P<date>[0-9]{{8}})T(?P<hour>[0-9]{{2}})(?P<minute>[0-9]{{2}})(?:{_SECONDS})?",
    )
)


@dataclass(frozen=True, slots=True)
class Moment:
    """A moment as it was named: `at` is aware UTC.

    `later_today` is set for a clock time alone that is still to come today, where `at` is yesterday's.
    `day_end` is where a day that was named without a time ends.
    """

    at: datetime
    later_today: datetime | None = None
    day_end: datetime | None = None


def duration(text: str) -> timedelta | None:
    """The length named by '2h', '1h30m', '90 minutes', '1.5d'; None when `text` names none.

    `timedelta.max` stands for one beyond what Python can hold.
    """
    text = text.strip()
    steps = [(number, unit.lower()) for number, unit in _STEP.findall(text)] if _STEPS.fullmatch(text) else []
    if not steps or any(unit not in _SECONDS_IN for _, unit in steps):
        return None
    total = timedelta(0)
    for number, unit in steps:
        if len(number) > _LONGEST_NUMBER:
            return timedelta.max
        try:
            total += timedelta(seconds=_SECONDS_IN[unit]) * float(number)
        except OverflowError:
            return timedelta.max
    return total


def is_moment(text: str) -> bool:
    """Whether `text` has the shape of a moment; its numbers may still be out of range."""
    text = text.strip()
    return text.lower() == "now" or _ago(text) is not None or _match(text) is not None


def lacks_zone(text: str) -> bool:
    """Whether `text` is a moment that reads differently in another time zone."""
    match = _match(text.strip())
    return match is not None and match["zone"] is None


def moment(text: str, now: datetime, zone: tzinfo) -> Moment:
    """The moment that `text` names, seen from `now` (aware) by someone in `zone`.

    Raises UsageError when it names none, one that is not on the calendar, on the clock or in `zone`, or one
    outside EARLIEST to LATEST.
    """
    text = text.strip()
    if text.lower() == "now":
        return Moment(now.astimezone(UTC))
    if (span := _ago(text)) is not None:
        return Moment(before(now, span))
    match = _match(text)
    if match is None:
        raise UsageError(f"{quoted(text)} is not a time I can read.", WORKING_TIME)
    try:
        named = _placed(match, now, zone)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"{quoted(text)} is not on the calendar or the clock.", WORKING_TIME) from error
    _refuse_far(named.at)
    return named


def before(moment: datetime, span: timedelta) -> datetime:
    """`span` before `moment`, in UTC. Raises UsageError when that is before EARLIEST."""
    try:
        found = moment.astimezone(UTC) - span
    except OverflowError as error:
        raise UsageError(_TOO_EARLY, WORKING_TIME) from error
    _refuse_far(found)
    return found


def after(moment: datetime, span: timedelta) -> datetime:
    """`span` after `moment`, in UTC. Raises UsageError when that is past LATEST."""
    try:
        found = moment.astimezone(UTC) + span
    except OverflowError as error:
        raise UsageError(_TOO_LATE, WORKING_TIME) from error
    _refuse_far(found)
    return found


def iso(moment: datetime) -> str:
    """`moment` in UTC as ISO 8601 with `Z`; a fraction only where there is one."""
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def span_text(span: timedelta) -> str:
    """`span` (not negative) as `duration` reads it back: '1h30m', '7d', '2.5s'."""
    seconds, parts = span.days * 86_400 + span.seconds, []
    for unit in "dhm":
        count, seconds = divmod(seconds, _SECONDS_IN[unit])
        if count:
            parts.append(f"{count}{unit}")
    if seconds or span.microseconds or not parts:
        fraction = f".{span.microseconds:06d}".rstrip("0") if span.microseconds else ""
        parts.append(f"{seconds}{fraction}s")
    return "".join(parts)


def quoted(text: str) -> str:
    """`text` for a message: in quotes, without invisible characters, cut when long."""
    seen = "".join(character if character.isprintable() else "\N{REPLACEMENT CHARACTER}" for character in text[:61])
    return f"\u201c{seen[:60]}\u2026\u201d" if len(text) > 60 else f"\u201c{seen}\u201d"


def _refuse_far(moment: datetime) -> None:
    if moment < EARLIEST:
        raise UsageError(_TOO_EARLY, WORKING_TIME)
    if moment >= LATEST:
        raise UsageError(_TOO_LATE, WORKING_TIME)


def _ago(text: str) -> timedelta | None:
    """The length in '2h ago' or '-2h'; None for any other text."""
    if text.startswith(("-", "\u2212")):
        return duration(text[1:])
    return duration(text[:-4]) if text.lower().endswith(" ago") else None


def _match(text: str) -> re.Match[str] | None:
    text = text.translate({0x2212: "-"})
    return next((match for form in _FORMS if (match := form.fullmatch(text))), None)


def _placed(match: re.Match[str], now: datetime, zone: tzinfo) -> Moment:
    parts = match.groupdict()
    zone = _offset(parts["zone"]) if parts["zone"] else zone
    today = now.astimezone(zone).date()
    day = _day(parts, today)
    if not parts.get("hour"):
        first = _instant(day or today, time(), zone, skipped_is_fine=True)
        return Moment(first, day_end=_instant((day or today) + timedelta(days=1), time(), zone, skipped_is_fine=True))
    fraction = f"{parts.get('fraction') or '0':0<6}"[:6]
    clock = time(int(parts["hour"]), int(parts.get("minute") or 0), int(parts.get("second") or 0), int(fraction))
    if day is not None:
        return Moment(_instant(day, clock, zone))
    later = _instant(today, clock, zone, skipped_is_fine=True)
    if later <= now:
        return Moment(_instant(today, clock, zone))
    return Moment(_instant(today - timedelta(days=1), clock, zone), later_today=later)


def _day(parts: dict[str, str | None], today: date) -> date | None:
    match (parts.get("word") or "").lower(), parts.get("date"):
        case "today", _:
            return today
        case "yesterday", _:
            return today - timedelta(days=1)
        case _, str(written):
            return date.fromisoformat(written)
        case _:
            return None


def _offset(text: str) -> tzinfo:
    if text.upper() in ("Z", "UTC", "GMT"):
        return UTC
    digits = text[1:].replace(":", "")
    minutes = int(digits[2:] or 0)
    if minutes > 59:
        raise ValueError(f"an offset of {minutes} minutes")
    ahead = timedelta(hours=int(digits[:2]), minutes=minutes)
    return timezone(ahead if text[0] == "+" else -ahead)


def _instant(day: date, clock: time, zone: tzinfo, *, skipped_is_fine: bool = False) -> datetime:
    """The first instant at which clocks in `zone` show `clock` on `day`, in UTC."""
    local = datetime.combine(day, clock, zone)
    instant = local.astimezone(UTC)
    if not skipped_is_fine and instant.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise UsageError(
            f"{clock:%H:%M} on {day} does not exist in {zone}: the clocks were put forward then.",
            f"{day}T{clock:%H:%M}Z",
        )
    return instant
