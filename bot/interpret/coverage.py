"""What the logs at hand can prove: which families arrived, from when to when, and where records are missing.

That nothing was found says something only where the log that would show it was on and complete. Of the families only
Connection and Message are steady enough that a silence of their own means a gap; a silence of all families together
is the pipeline's. Resource logs are not promised to be lossless. Source: "Azure resource logs" on Microsoft Learn.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from datetime import datetime, timedelta
from statistics import mean, median

from bot.interpret import Question
from bot.interpret.said import count, during
from bot.model import Coverage, Family, Gap, Link, Row, Ruled, Ruling, Window

CONNECTION, AUTHORIZATION, THROTTLING, MESSAGE = "Connection", "Authorization", "Throttling", "Message"
# The switch of the resource that each family belongs to. Source: "Monitor Azure SignalR Service logs".
SOURCES = {
    CONNECTION: "ConnectivityLogs",
    AUTHORIZATION: "ConnectivityLogs",
    THROTTLING: "ConnectivityLogs",
    MESSAGE: "MessagingLogs",
}
LOGS = Link(
    "Switch on resource logs",
    "https://learn.microsoft.com/azure/azure-signalr/signalr-howto-diagnostic-logs#enable-resource-logs",
)
# Resource logs can usually be queried 3 to 10 minutes after the event.
# Source: Azure Monitor, "Log data ingestion time".
LATE = timedelta(minutes=10)
# Seconds are lost on any day, and hide no incident that shows before and after them as well.
_PART, _LONG = 0.02, timedelta(minutes=5)
_STEADY = (CONNECTION.casefold(), MESSAGE.casefold())
_SLOTS, _SHORTEST = 120, 10
# At a rate at which so many were to come, none at all is no chance: at the window's ends, of which there are two, and
# between two records, of which there are thousands, where a lull after a burst is ordinary too.
_EXPECTED_AT_AN_END, _EXPECTED_WITHIN, _SHORTEST_WITHIN = 10, 25, timedelta(minutes=1)
# The median of a squared difference of two Poisson counts is so many times their mean.
_MEDIAN_OF_POISSON = 2 * 0.455
# How unevenly records come takes so many pairs of slots to tell; a lone burst does not show it.
_PAIRS = 20


def parameters(window: Window) -> dict[str, int]:
    """The parameters of queries/coverage.kql for `window`."""
    return {"slot_seconds": _slot_seconds(window)}


def read(rows: Sequence[Row], window: Window) -> tuple[Coverage, ...]:
    """The families in the rows of queries/coverage.kql, by name, each with the gaps in `window`."""
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of[row["Collection"]].append(row)
    # A family that comes in bursts says nothing about the pipeline.
    everything = _gaps([row for row in rows if row["Collection"].casefold() in _STEADY], window)
    return tuple(
        Coverage(
            family,
            sum(row["records"] for row in mine),
            min(row["first_seen"] for row in mine),
            max(row["last_seen"] for row in mine),
            _joined([*everything, *(_gaps(mine, window) if family.casefold() in _STEADY else ())]),
        )
        for family, mine in sorted(of.items())
    )


def resources(rows: Iterable[Row]) -> tuple[str, ...]:
    """The resource ids in the rows of queries/coverage.kql, in lower case and in order."""
    return tuple(sorted({str(row["_ResourceId"]).lower() for row in rows} - {""}))


def family(question: Question, name: str) -> Coverage | None:
    """What the family `name` holds in the window; None when nothing."""
    return next((each for each in question.coverage if each.family.casefold() == name.casefold() and each.rows), None)


def missing(question: Question, name: str, window: Window | None = None) -> str:
    """Why the absence of a record of the family `name` proves nothing in `window`; "" when it does.

    `window` is a part of the question's window, all of it unless given.
    """
    return _lack(question, name, window)[0]


def _lack(question: Question, name: str, window: Window | None) -> tuple[str, str]:
    """Why `name` proves nothing in `window`, and which family is missing; twice "" when it does prove something."""
    held = family(question, name)
    if held is None:
        return f"no {name} record was logged in the window", name
    asked = window or question.command.window
    if not any(family(question, steady) for steady in (CONNECTION, MESSAGE)):
        return f"only {name} records were logged, so that nothing shows whether they are complete", CONNECTION
    for gap in held.gaps:
        if gap.start < asked.end and asked.start < gap.end:
            return f"{name} records are missing {during(gap.start, gap.end)}", name
    return "", ""


def ruling(
    question: Question, cause: Family, code: str, because: str, names: Sequence[str], window: Window | None = None
) -> Ruling:
    """`code` ruled out `because` of what was counted, or unknown when one of the families `names` can't prove it."""
    # A family that was not logged at all says more than another that it would prove.
    for name in sorted(names, key=lambda name: family(question, name) is not None):
        why, log = _lack(question, name, window)
        if why:
            return Ruling(cause, code, Ruled.UNKNOWN, f"{why[:1].upper()}{why[1:]}.", log)
    return Ruling(cause, code, Ruled.OUT, because)


def unknown(question: Question, name: str, *causes: tuple[Family, str]) -> tuple[Ruling, ...]:
    """`causes` (family and code) that can't be ruled out for want of the family `name`; nothing when it is complete."""
    rulings = (ruling(question, cause, code, "", (name,)) for cause, code in causes)
    return tuple(each for each in rulings if each.outcome is Ruled.UNKNOWN)


def incomplete(question: Question, name: str) -> str:
    """Why the quiet of the family `name` proves nothing for the window as a whole; "" when its gaps are small.

    The rulings mind small gaps too.
    """
    held = family(question, name)
    spans = [gap.span for gap in held.gaps] if held else []
    if held and sum(spans, timedelta(0)) < _PART * question.command.window.span and all(span < _LONG for span in spans):
        return ""
    return missing(question, name)


def gap(question: Question, name: str, what: str) -> Gap | None:
    """The gap that a missing or incomplete family `name` leaves about `what`; None when it is complete."""
    lack = missing(question, name)
    if not lack:
        return None
    source = SOURCES.get(name, name)
    return Gap(what, lack[:1].upper() + lack[1:] + ".", f"Log Source Settings of the resource: {source}.", LOGS)


def provisional(question: Question, newest: datetime | None = None) -> datetime | None:
    """Until when records may still arrive that change the verdict; None when that time is over.

    `newest` (aware UTC) is the last moment the answer rests on, the end of the window unless given.
    """
    until = min(newest or question.command.window.end, question.now) + LATE
    return until if until > question.now else None


def held(question: Question) -> str:
    """What was logged, in a sentence: "12,000 Connection records, 3 Message records"."""
    return ", ".join(count(each.rows, f"{each.family or 'unnamed'} record") for each in question.coverage if each.rows)


def _slot_seconds(window: Window) -> int:
    return max(round(window.span.total_seconds() / _SLOTS), _SHORTEST)


def _gaps(rows: Sequence[Row], window: Window) -> list[Window]:
    """The spans of `window` without a record, where at the usual rate many were to be expected."""
    if not rows:
        return []
    counts: Counter[int] = Counter()
    for row in rows:
        counts[row["slot"]] += row["records"]
    length = timedelta(seconds=_slot_seconds(window))
    average = counts.total() * (length / window.span)
    # A burst must not make the rest look empty, nor a few records look like a stream.
    usual = min(median(counts.values()), average)
    # Connections come one by one; a message to many is a record for each of them.
    if any(row["Collection"].casefold() == MESSAGE.casefold() for row in rows):
        usual /= _clump(counts)
    spans = sorted((row["first_seen"], row["last_seen"]) for row in rows)
    found, reached = [], window.start
    for first, last in [*spans, (window.end, window.end)]:
        within = window.start < reached and first < window.end
        silence = first - reached
        least = (
            max(_EXPECTED_WITHIN / usual * length, _SHORTEST_WITHIN) if within else _EXPECTED_AT_AN_END / usual * length
        )
        if first > reached and silence >= least:
            found.append(Window(reached, first))
        reached = max(reached, last)
    return found


def _clump(counts: Counter[int]) -> float:
    """How many records come at once, from how much neighbouring slots differ."""
    # What comes by the clock may fill every second slot; two slots together then differ no more.
    pooled: Counter[int] = Counter()
    for slot, number in counts.items():
        pooled[slot // 2] += number
    return max(min(_difference(counts), _difference(pooled)), 1.0)


def _difference(counts: Counter[int]) -> float:
    """How much neighbours differ, where 1 is what chance makes of single records."""
    pairs = [(counts[slot], counts[slot + 1]) for slot in range(min(counts) - 1, max(counts) + 1)]
    pairs = [pair for pair in pairs if any(pair)]
    if len(pairs) < _PAIRS:
        return 1.0
    usual = mean(one + other for one, other in pairs) / 2
    return median((one - other) ** 2 for one, other in pairs) / _MEDIAN_OF_POISSON / usual


def _joined(gaps: Iterable[Window]) -> tuple[Window, ...]:
    found: list[Window] = []
    for each in sorted(gaps, key=lambda gap: gap.start):
        if found and each.start <= found[-1].end:
            found[-1] = Window(found[-1].start, max(found[-1].end, each.end))
        else:
            found.append(each)
    return tuple(found)
