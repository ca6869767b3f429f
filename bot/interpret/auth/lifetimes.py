"""Connections that end at one age: the mark of a token that expires.

Only transports that send their token with each request are cut by it. WebSockets need it to connect, so that they
live on is what tells a token from a proxy's time limit.
Source: "401 Unauthorized" in the troubleshooting guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from bot.interpret.said import count, percent
from bot.knowledge import Knowledge
from bot.model import Candidate, Cause, Confidence, Evidence, Fact, Family, Finding, Scope, Table
from bot.times import span_text

# The pieces of queries/investigations/auth/lifetimes.kql, in seconds.
PIECE = 30
# Time-outs of pings and handshakes end connections earlier than this; no token is that short.
_SHORTEST = 120
# A handful at one age is chance among thousands.
_LEAST = 10
# At a token's end far more connections close than at the ages just before it.
_STEEP = 5
# Of those that reach the age, so many at most may outlive it: clocks, renewed tokens, late records.
_OUTLIVE = 0.05
_NONE = {"here": 0, "longer": 0, "unended": 0, "closed": 0}
# What the SDK makes unless told otherwise. Source: "Use Azure SignalR Service", AccessTokenLifetime.
_USUAL = timedelta(hours=1)


@dataclass(frozen=True, slots=True)
class Peak:
    """An age, in seconds, at which suspiciously many connections end."""

    age: int

    @property
    def parameters(self) -> dict[str, int]:
        """The ages that count as this one in queries/investigations/auth/ceiling.kql: the piece, and one each side."""
        return {"least": self.age - PIECE, "most": self.age + 2 * PIECE}


@dataclass(frozen=True, slots=True)
class Ceiling:
    """What lives no longer than one age: a finding, and the cause if it can be told."""

    finding: Finding
    cause: Cause | None
    candidates: tuple[Candidate, ...]


def peak(rows: Sequence[Mapping[str, int]]) -> Peak | None:
    """The age at which server-sent events and long polling end together; None when they end at any age."""
    ended = {row["age"]: row["connections"] for row in rows}
    best = max((age for age in ended if age >= _SHORTEST), key=lambda age: (ended[age], -age), default=None)
    if best is None:
        return None
    here = ended[best] + max(ended.get(best - PIECE, 0), ended.get(best + PIECE, 0))
    before = [ended.get(best - step * PIECE, 0) for step in range(3, 9)]
    beyond = sum(number for age, number in ended.items() if age > best + 2 * PIECE)
    steep = here >= _STEEP * 2 * max(sum(before) / len(before), 0.5)
    return Peak(best) if here >= _LEAST and steep and beyond <= _OUTLIVE * (here + beyond) else None


def read(table: Table, found: Peak, knowledge: Knowledge) -> Ceiling | None:
    """What the rows of queries/investigations/auth/ceiling.kql make of a peak."""
    polling = next((row for row in table.rows if not row["one_socket"]), None)
    sockets = next((row for row in table.rows if row["one_socket"]), _NONE)
    if polling is None or polling["here"] < _LEAST:
        return None
    if _outlives(polling):
        return None
    # All at one moment is an event, not an age.
    if polling["minutes"] < _LEAST // 3:
        return None
    cut_too = sockets["here"] >= _LEAST and not _outlives(sockets)
    entry = knowledge["common-age" if cut_too else "token-lifetime"]
    age = timedelta(seconds=round(found.age / 60) * 60)
    words = {
        "refusals": count(polling["here"] + (sockets["here"] if cut_too else 0), "connection"),
        "age": span_text(age),
        "share": _share(polling, sockets, cut_too),
    }
    shared = (Fact("hub", polling["hub"]),) if polling["hubs"] == 1 and polling["hub"] else ()
    size = polling["here"] + (sockets["here"] if cut_too else 0)
    scope = Scope(size, "connections", polling["first_seen"], polling["last_seen"], shared)
    usual = abs(age - _USUAL) <= timedelta(minutes=1)
    cause = Cause(Family.AUTH, "token-expired", Confidence.MEDIUM if usual and sockets["longer"] else Confidence.LOW)
    return Ceiling(
        replace(entry.finding(words, [_proof(polling, sockets, age)]), scope=scope),
        None if cut_too else cause,
        entry.candidates,
    )


def _outlives(row: Mapping[str, Any]) -> bool:
    """Whether too many live longer; of all that closed, the log may lack the end of a few."""
    sure = row["longer"] - row["unended"]
    lost = row["unended"] <= _OUTLIVE * max(row["here"] + row["unended"], row["closed"])
    return not lost or sure > _OUTLIVE * (row["here"] + sure)


def _proof(polling: Mapping[str, Any], sockets: Mapping[str, Any], age: timedelta) -> Evidence:
    rows = (("Server-sent events, long polling", polling), ("WebSockets", sockets))
    return Evidence(
        "Ages",
        f"{count(polling['here'], 'connection')} of server-sent events or long polling closed at the age of "
        f"{span_text(age)}, at {count(polling['minutes'], 'different minute')} of the window.",
        ("Transport", "Ended at this age", "Lived longer"),
        tuple((name, row["here"], row["longer"]) for name, row in rows),
        2,
        "ceiling",
    )


def _share(polling: Mapping[str, int], sockets: Mapping[str, int], cut_too: bool) -> str:
    outlived = polling["longer"] - polling["unended"]
    lived = f"{outlived:,} of them lived longer" if outlived else "None of them lived longer"
    if polling["unended"]:
        lived += f" ({count(polling['unended'], 'other')} of that age without an end in the log)"
    if cut_too:
        return f"{lived}, and {percent(sockets['longer'], sockets['here'] + sockets['longer'])} of the WebSockets did."
    if sockets["longer"]:
        return f"{lived}; {count(sockets['longer'], 'WebSocket')} did, as they should."
    return f"{lived}; no WebSocket was old enough to compare."
