"""The picture of a message's way, and the sentences around it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.interpret import Question, Tables, coverage, onward
from bot.interpret.coverage import LOGS, MESSAGE
from bot.interpret.paths import APP_LINES, AppLine, Said, To
from bot.interpret.said import count, moment, short
from bot.interpret.trace.way import Leg, Way
from bot.model import Evidence, Fact, Gap, NextStep
from bot.times import span_text

APP_LOG = (
    "The app server's log (category Microsoft.Azure.SignalR, level Information): attach it with --log, or have "
    "Application Insights send it to AppTraces in the workspace."
)
_PLACES = {APP_LINES: "AppTraces", "attached": "the attached log"}
SEEN, NOT_SEEN, BLIND = "seen", "not seen", "can't be seen"
_UP = ((1, "1 client to service"), (2, "2 service to app server"))
_DOWN = ((3, "3 app server to service"), (4, "4 service to clients"))


def is_upward(way: Way) -> bool:
    """Whether it is a client's message to the app, not one of the app server's to clients."""
    return bool({1, 2} & way.legs.keys()) or (not way.legs and way.said(Said.RECEIVED) is not None)


def picture(way: Way, attached: bool) -> Evidence:
    """The legs of the way in order, each seen, not seen, or not to be seen in these logs, with times and delays."""
    steps: list[tuple[str, str, datetime | None, str]] = []
    if is_upward(way):
        steps += [_leg(name, way.legs.get(path)) for path, name in _UP]
        steps.append(_line("app server: received it", way.said(Said.RECEIVED), attached))
        steps.append(("3 and 4, the answer", BLIND, None, "what the hub sends in return gets an id of its own"))
    else:
        steps.append(("1 and 2, a call before it", BLIND, None, "a client's message has an id of its own"))
        steps.append(_line("app server: began to send", way.said(Said.STARTED), attached))
        sent = way.said(Said.FAILED) or way.said(Said.SUCCEEDED)
        steps.append(_line(f"app server: {'acknowledged' if way.to is To.CHANGE else 'wrote it out'}", sent, attached))
        steps.append(_leg(_DOWN[0][1], way.legs.get(3)))
        if way.to is To.CHANGE:
            steps.append((_DOWN[1][1], "none", None, "a join or leave is for the service itself, no client gets it"))
        else:
            steps.append(_leg(_DOWN[1][1], way.legs.get(4)))
            steps.append(("client: received it", BLIND, None, "the resource log ends when it is written to the socket"))
    rows: list[tuple[object, ...]] = []
    previous: datetime | None = None
    for name, state, at, text in steps:
        rows.append((name, state, at, _after(previous, at), text))
        previous = at or previous
    return Evidence(
        "The way of the message",
        f"{count(sum(row[1] == SEEN for row in rows), 'step')} of it seen in the logs.",
        ("Step", "State", "When (UTC)", "After", "What was logged"),
        tuple(rows),
        len(rows),
        "opening",
    )


def legs_evidence(way: Way) -> Evidence:
    """Which paths were logged, when and how often, in a sentence."""
    asked = (1, 2) if is_upward(way) else (3, 4)
    said = [
        f"path {path}: {count(leg.records, 'record')} from {moment(leg.first)}"
        if (leg := way.legs.get(path))
        else f"path {path}: none"
        for path in asked
    ]
    return Evidence("Paths logged", f"Of its records {', '.join(said)}.", step="opening")


def _leg(name: str, leg: Leg | None) -> tuple[str, str, datetime | None, str]:
    if leg is None:
        return name, NOT_SEEN, None, "no record"
    if leg.connection:
        text = f"over {leg.connection}" + (f" and {leg.connections - 1:,} more" if leg.connections > 1 else "")
    else:
        spread = f", the last after {_span(leg.last - leg.first)}" if leg.last > leg.first else ""
        text = f"{count(leg.connections, 'client connection')}{spread}"
    return name, SEEN, leg.first, text


def _line(name: str, line: AppLine | None, attached: bool) -> tuple[str, str, datetime | None, str]:
    if line is not None:
        return name, SEEN, line.at, short(line.text, 120)
    if attached:
        return name, NOT_SEEN, None, "no such line among the app server's at hand"
    return name, BLIND, None, "only the app server's own log has it"


def _after(previous: datetime | None, at: datetime | None) -> str:
    if previous is None or at is None:
        return ""
    return f"+{_span(at - previous)}" if at >= previous else f"-{_span(previous - at)} (two clocks)"


def _span(length: timedelta) -> str:
    # The service's clock shows whole seconds.
    return span_text(length) if length >= timedelta(seconds=1) else "<1s"


def facts(way: Way) -> tuple[Fact, ...]:
    """What is known about the message, one line each."""
    found = [
        Fact("Tracing id", way.trace),
        Fact("Direction", "client to app server" if is_upward(way) else "app server to clients"),
    ]
    if way.trace.isdigit() and not is_upward(way):
        found.append(Fact("Sent by", f"process {int(way.trace) >> 32}, its message number {int(way.trace) % 2**32:,}"))
    named = (
        ("Type", way.kind), ("Hub", way.hub), ("Group", way.group), ("User", way.user), ("Connection", way.connection),
        ("Invocation id", way.invocation),
    )  # fmt: skip
    found += [Fact(label, value) for label, value in named if value]
    if 4 in way.legs:
        leg = way.legs[4]
        found.append(Fact("Receivers", f"{count(leg.connections, 'client connection')} from {moment(leg.first)}"))
    return tuple(found)


def receivers_evidence(way: Way, tables: Tables) -> Evidence | None:
    """The first who got it; None when nobody did or they could not be asked for."""
    rows = tables["receivers"].rows if "receivers" in tables else ()
    if 4 not in way.legs or not rows:
        return None
    total = way.legs[4].connections
    return Evidence(
        "Receivers",
        f"Written to {count(total, 'client connection')}.",
        ("When (UTC)", "Connection", "User", "Address"),
        tuple((row["first_seen"], row["ConnectionId"], row["UserId"], row["CallerIpAddress"]) for row in rows),
        total,
        "receivers",
    )


def app_evidence(way: Way) -> Evidence:
    """The app server's lines about it."""
    steps = {line.step for line in way.lines}
    places = [place for step, place in _PLACES.items() if step in steps]
    return Evidence(
        "App server's log",
        f"{count(len(way.lines), 'line')} of {' and '.join(places)} {'is' if len(way.lines) == 1 else 'are'} about it.",
        ("When (UTC)", "App server", "Line"),
        tuple((line.at, line.instance, short(line.text, 200)) for line in way.lines[:10]),
        len(way.lines),
        next(step for step in _PLACES if step in steps),
    )


def unread(tables: Tables) -> str:
    """Why no line of the app server is known; a workspace need not have the table AppTraces."""
    asked = ", and the table AppTraces has no line about it" if APP_LINES in tables else ""
    return f"The app server's log was not attached{asked}."


def warning_evidence(way: Way) -> Evidence:
    """The service's own warnings with this id, word for word."""
    return Evidence(
        "Warnings",
        f"{count(len(way.warnings), 'record')} with this id {'has' if len(way.warnings) == 1 else 'have'} "
        "a level above Informational.",
        ("When (UTC)", "Level", "Message"),
        tuple((at, level, short(text, 300)) for at, level, text in way.warnings[:10]),
        len(way.warnings),
        "opening",
    )


def gaps(question: Question, way: Way, tables: Tables) -> tuple[Gap, ...]:
    """What can't be seen of this message, and where it would be."""
    found = [gap] if (gap := coverage.gap(question, MESSAGE, "Paths of this message")) else []
    if not way.lines:
        what = "Whether the app server received it" if is_upward(way) else "When the app server began to send it"
        found.append(
            Gap(
                what,
                f"The service does not see what happens inside the app server. {unread(tables)}",
                APP_LOG,
                LOGS,
            )
        )
    if 4 in way.legs:
        found.append(
            Gap(
                "Whether the clients handled it",
                "Path 4 says that the service wrote it to the client's socket; nothing is logged beyond.",
                "The client's own log, or its browser's network trace.",
            )
        )
    return tuple(found)


def next_steps(question: Question, way: Way, tables: Tables) -> tuple[NextStep, ...]:
    """Ready-made commands, the most useful first."""
    found = []
    rows = tables["receivers"].rows if "receivers" in tables else ()
    if 4 in way.legs and rows:
        found.append(onward.step("See the first receiver", question, "why-dropped", rows[0]["ConnectionId"]))
    if way.to is To.GROUP and way.group and 4 not in way.legs:
        found.append(onward.step("Check joins of the group", question, "group-race", f"--group={way.group}"))
    if 1 in way.legs and 2 not in way.legs:
        found.append(onward.step("Check the app servers", question, "servers"))
    found.append(onward.step("Check for other losses", question, "messages"))
    return tuple(found)


def covered(lines: Sequence[AppLine], at: datetime) -> bool:
    """Whether the attached log has tracing lines before and after the moment `at`."""
    moments = [line.at for line in lines if line.at is not None]
    return bool(moments) and min(moments) < at < max(moments)
