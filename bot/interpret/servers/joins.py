"""Addresses that joined the app servers: more of the same, one that does not belong, or one that leaks connections.

An app server opens 5 connections for each of its hubs when it starts, and more when the service asks for them; a
hub context that is made for each call opens one each time and keeps it.
Source: "Messages and connections in Azure SignalR Service"; "Service connections" in the SDK's guide.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from ipaddress import ip_address, ip_network

from bot.interpret.servers.clients import ERRORS, Clients, total
from bot.interpret.servers.episodes import RETURN, Episode
from bot.interpret.servers.lines import Line, by_address
from bot.model import Candidate, Confidence, Family, Window

# A process opens all its first connections within this time.
START_UP = timedelta(minutes=2)
# Four times what an app server opens for a hub at its start, and not all at once, is no app server any more.
LEAK, LEAK_SPAN = 20, timedelta(minutes=10)
# So few closes by the app are chance; so many times their usual rate are not.
FEW, TIMES = 5, 3.0
# Fewer connections than this are what the service asks a known app server for on demand.
PROCESS = 3
# The part of an address that the machines of one data centre usually share.
_NETWORK = {4: 16, 6: 48}

_MORE = Candidate(
    Family.APP, "app-scaled-out", "A new app server of the application that serves only some hubs looks like this.",
    "Whether this address is one of the application's own; its machine name stands in the app server's log.",
)  # fmt: skip
_FOREIGN = Candidate(
    Family.APP, "foreign-app-server", "A developer's machine, an old slot or a second application joins like this.",
    "Whether this address is one of the application's own.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Join:
    """An address seen for the first time at `first`; `unlike` says in what it differs from the others."""

    episode: Episode
    unlike: tuple[str, ...]
    errors: int
    usual: float


def leaks(lines: Sequence[Line]) -> tuple[Episode, ...]:
    """Addresses that opened server connection after connection for a hub and closed hardly any of them."""
    found = []
    for mine in by_address(lines).values():
        of_hub: defaultdict[str, list[Line]] = defaultdict(list)
        for line in mine:
            if line.opened:
                of_hub[line.hub].append(line)
        leaked = [line for opened in of_hub.values() if _leaks(opened) for line in opened]
        if leaked:
            times = [line.opened for line in leaked if line.opened]
            found.append(
                Episode(
                    "server-connection-leak", min(times), max(times), joined=tuple(leaked), confidence=Confidence.MEDIUM
                )
            )
    return tuple(found)


def read(lines: Sequence[Line], clients: Clients, window: Window, explained: Collection[str]) -> tuple[Join, ...]:
    """The addresses that joined in the window for no reason known yet; `explained` are those that have one."""
    of = by_address(lines)
    joined = {}
    for address, mine in of.items():
        times = [line.opened for line in mine if line.opened]
        if address not in explained and len(times) == len(mine) and times and min(times) > window.start:
            joined[address] = min(times)
    return tuple(_join(address, at, of, joined, clients, window) for address, at in sorted(joined.items(), key=_second))


def _join(
    address: str, at: datetime, of: dict[str, list[Line]], joined: dict[str, datetime], clients: Clients, window: Window
) -> Join:
    mine = of[address]
    others = {each: theirs for each, theirs in of.items() if each != address and _was_there(theirs, at)}
    left = max((line.closed for line in mine if line.closed), default=window.end)
    left = window.end if any(line.closed is None for line in mine) else left
    hubs = frozenset(line.hub for line in mine)
    alone = not any(abs(other - at) <= START_UP for each, other in joined.items() if each != address)
    errors, usual = _errors(clients, hubs, Window(at, max(left, at + START_UP)), window)
    failing = errors >= FEW and errors > TIMES * usual
    unlike = _unlike(mine, hubs, others, clients, left, window) if alone else ()
    candidates: tuple[Candidate, ...] = (_MORE,)
    confidence: Confidence | None = None
    if failing and unlike:
        code, confidence = "foreign-app-server", Confidence.MEDIUM
    elif len(unlike) > 1 and others:
        code, confidence = "foreign-app-server", Confidence.LOW
    elif unlike and (len(mine) >= PROCESS or others):
        code, candidates = "joined-unlike-the-others", (_MORE, _FOREIGN)
    else:
        code, candidates = "app-scaled-out", ()
    bursts = tuple(clients.closed(ERRORS, Window(at, max(left, at + START_UP)), hubs)) if failing else ()
    episode = Episode(code, at, left, joined=tuple(mine), hit=bursts, confidence=confidence, candidates=candidates)
    return Join(episode, unlike, errors, usual)


def _unlike(
    mine: Sequence[Line], hubs: frozenset[str], others: dict[str, list[Line]], clients: Clients, left: datetime,
    window: Window,
) -> tuple[str, ...]:  # fmt: skip
    found = []
    in_use = {line.hub for theirs in others.values() for line in theirs} | clients.hubs
    if hubs < in_use:
        found.append(f"it serves {len(hubs)} of the {len(in_use)} hubs in use")
    if others and not any(_near(mine[0].address, each) for each in others):
        found.append("its address is of another network than the others'")
    counts, usual = _per_hub(mine), [known for each in others.values() if (known := _per_hub(each))]
    if counts and usual and not any(counts & each for each in usual):
        found.append(f"it opened {min(counts)} connections for a hub, and no other app server did")
    # By itself that is what scaling out and in again looks like.
    if found and others and left < window.end - RETURN and not hubs < in_use:
        found.append("it left again while the others stayed")
    return tuple(found)


def _errors(clients: Clients, hubs: frozenset[str], while_there: Window, window: Window) -> tuple[int, float]:
    """How many clients of `hubs` the app closed while the address was there, and how many were to be expected.

    The expectation is the rate of the same hubs at other times, else of the other hubs at the same time.
    """
    during = total(clients.closed(ERRORS, while_there, hubs))
    outside_span = window.span - while_there.span
    outside = total(clients.closed(ERRORS, None, hubs)) - during
    if outside_span >= while_there.span / 4:
        return during, outside * (while_there.span / outside_span)
    elsewhere = clients.hubs - hubs
    base = clients.started(while_there, elsewhere)
    if not base:
        return during, float(during)
    rate = total(clients.closed(ERRORS, while_there, elsewhere)) / base
    return during, rate * clients.started(while_there, hubs)


def _leaks(opened: Sequence[Line]) -> bool:
    still = sorted(line.opened for line in opened if line.opened and line.closed is None)
    if len(still) < LEAK or len(still) * 2 < len(opened):
        return False
    # Not in one burst: the middle half of them took its time.
    return still[len(still) * 3 // 4] - still[len(still) // 4] >= LEAK_SPAN


def _was_there(theirs: Sequence[Line], at: datetime) -> bool:
    return any(line.opened is None or line.opened < at - START_UP for line in theirs) and any(
        line.closed is None or line.closed > at for line in theirs
    )


def _per_hub(lines: Sequence[Line]) -> frozenset[int]:
    """How many connections an address opened for a hub within its start-up; empty when its start was not logged."""
    opened = [line.opened for line in lines if line.opened]
    if len(opened) < len(lines):
        return frozenset()
    first = min(opened)
    return frozenset(Counter(line.hub for line in lines if line.opened and line.opened <= first + START_UP).values())


def _near(address: str, other: str) -> bool:
    """Whether two addresses are of one network; True when one of them is no address."""
    try:
        one, two = ip_address(address), ip_address(other)
    except ValueError:
        return True
    return one.version == two.version and two in ip_network(f"{one}/{_NETWORK[one.version]}", strict=False)


def _second(pair: tuple[str, datetime]) -> tuple[datetime, str]:
    return pair[1], pair[0]
