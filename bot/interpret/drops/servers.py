"""What happened to the app servers, told from when their connections started and closed.

No record names an app server: all connections of one address are taken for one. Server connections open before the
first record leave no start, so how many there were at a moment is known only from below.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from bot import reasons
from bot.interpret.connection import ENDED, is_goodbye
from bot.interpret.drops.tally import GOODBYE
from bot.knowledge import Knowledge
from bot.model import Confidence, Row, Window

PING = "server-ping-timeout"
# Closes for these reasons are explained by them, whatever else happens.
_STATED = (Confidence.HIGH,)
# All connections of a process that dies, or leaves, close within so long of each other.
_TOGETHER = timedelta(seconds=30)
# Pings are due every 5 s: connections that lost their network together are given up within that of each other.
_SAME_MOMENT = timedelta(seconds=10)
# A rolling deployment goes from one app server to the next, and a new process starts, within this.
_TURN = timedelta(minutes=10)
# A machine of the service that is replaced lets its connections go over some minutes.
_DRAIN = timedelta(minutes=5)
# Fewer connections than this are no process of their own; a deployment brings back about what it took away.
_PROCESS, _MOSTLY = 3, 0.6
# Log records get lost: this share of an address's connections may seem to live on although all closed.
_STRAGGLERS = 0.2


class What(StrEnum):
    """What happened to one or more app servers' connections."""

    STATED = "stated"
    NETWORK = "server-network"
    CRASHED = "app-server-crashed"
    STARVED = "app-server-starved"
    DEPLOYED = "app-deployed"
    SCALED_IN = "app-scaled-in"
    GONE = "app-servers-gone"
    LONE = "server-connection-dropped"
    TRIMMED = "trimmed"


@dataclass(frozen=True, slots=True)
class Line:
    """One server connection; `code` explains its end (GOODBYE, or an entry's), "" while it is open."""

    connection: str
    address: str
    hub: str
    region: str
    started: datetime | None
    ended: datetime | None
    code: str
    text: str
    stated: bool


@dataclass(frozen=True, slots=True)
class Happening:
    """Server connections that closed for one cause, in the order of time.

    `back` maps an address to when a connection from it started again; `fresh` are addresses first seen around then.
    `others` says whether some other app server was there all the while.
    """

    what: What
    code: str
    lines: tuple[Line, ...]
    back: dict[str, datetime]
    fresh: tuple[str, ...] = ()
    others: bool = False

    @property
    def first(self) -> datetime:
        return min(at for line in self.lines if (at := line.ended))

    @property
    def last(self) -> datetime:
        return max(at for line in self.lines if (at := line.ended))

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.address for line in self.lines))

    @property
    def silent(self) -> bool:
        return all(line.code == PING for line in self.lines)


def lines(rows: Iterable[Row], knowledge: Knowledge) -> list[Line]:
    """The rows of drops/servers.kql."""
    found = []
    for row in rows:
        started, ended = row["started_at"], row["ended_at"]
        code, text, stated = "", "", False
        if ended is not None:
            reason = reasons.read(row["reason"])
            operation = "connectionaborted" if row["aborts"] else ENDED
            entry = knowledge.explain(reason, "Server")
            goodbye = is_goodbye(operation, reason) or entry.code == "app-server-closed"
            code, text = (GOODBYE if goodbye else entry.code), reason.text
            stated = not goodbye and entry.confidence in _STATED
            # A start after the close is the same id again: the close is over, the connection lives.
            if started is not None and started > ended:
                started = None
        address, hub, region = row["CallerIpAddress"], row["HubName"], row["Location"]
        found.append(Line(row["ConnectionId"], address, hub, region, started, ended, code, text, stated))
    return found


def happenings(known: Sequence[Line], window: Window, last_start: datetime | None) -> list[Happening]:
    """What happened in `window`, in the order of time; `last_start` is when the last client connected."""
    closed = sorted(
        (line for line in known if line.ended and window.start <= line.ended <= window.end),
        key=lambda line: (line.ended or window.start, line.connection),
    )
    closed = _addressed(closed)
    found = list(_stated([line for line in closed if line.stated]))
    clusters = list(_clusters([line for line in closed if not line.stated]))
    clusters, silent = _silent_together(clusters)
    found += silent
    whole = [cluster for cluster in clusters if _can_leave(cluster) and _is_whole(cluster, known)]
    parts = [cluster for cluster in clusters if cluster not in whole]
    for group in _turns(whole):
        addresses = {line.address for cluster in group for line in cluster}
        if len(addresses) == 1 and all(len(cluster) == 1 for cluster in group):
            parts += group
        else:
            found += _departed(group, known, last_start)
    shared, parts = _shared_turns(parts, known)
    found += shared
    found += _parts(parts)
    return sorted((_seen(each, known) for each in found), key=lambda each: each.first)


def _addressed(closed: Sequence[Line]) -> list[Line]:
    """With the address of those that closed for the same reason at the same moment put in where a record has none."""
    found = []
    for line in closed:
        if not line.address:
            beside = {
                other.address
                for other in closed
                if other.address and other.code == line.code and abs(_end(other) - _end(line)) <= _SAME_MOMENT
            }
            line = replace(line, address=beside.pop()) if len(beside) == 1 else line
        found.append(line)
    return found


def _stated(closed: Sequence[Line]) -> Iterator[Happening]:
    by_code: dict[str, list[Line]] = {}
    for line in closed:
        by_code.setdefault(line.code, []).append(line)
    for code, mine in by_code.items():
        for group in _apart(mine, _DRAIN):
            yield Happening(What.STATED, code, tuple(group), {})


def _clusters(closed: Sequence[Line]) -> Iterator[list[Line]]:
    """The closes of each address that follow each other closely; silence apart from other ends."""
    mine: dict[tuple[str, bool], list[Line]] = {}
    for line in closed:
        mine.setdefault((line.address, line.code == PING), []).append(line)
    for each in mine.values():
        yield from _apart(each, _TOGETHER)


def _apart(closed: Sequence[Line], gap: timedelta) -> Iterator[list[Line]]:
    group: list[Line] = []
    for line in closed:
        if group and _end(line) - _end(group[-1]) > gap:
            yield group
            group = []
        group.append(line)
    if group:
        yield group


def _silent_together(clusters: Sequence[list[Line]]) -> tuple[list[list[Line]], list[Happening]]:
    """The clusters that stay, and the server connections of several addresses that went silent at the same moment."""
    quiet = sorted((each for each in clusters if each[0].code == PING), key=lambda each: _end(each[0]))
    groups: list[list[list[Line]]] = []
    for cluster in quiet:
        if groups and _end(cluster[0]) - _end(groups[-1][0][0]) <= _SAME_MOMENT:
            groups[-1].append(cluster)
        else:
            groups.append([cluster])
    found, taken = [], []
    for group in groups:
        members = [line for cluster in group for line in cluster]
        if len({line.address for line in members}) > 1 and len(members) > 2:
            found.append(Happening(What.NETWORK, PING, tuple(sorted(members, key=_end)), {}))
            taken += group
    return [each for each in clusters if each not in taken], found


def _can_leave(cluster: Sequence[Line]) -> bool:
    """One connection that is lost alone is no app server; one that says goodbye may be all that it had."""
    return len(cluster) > 1 or cluster[0].code == GOODBYE


def _is_whole(cluster: Sequence[Line], known: Sequence[Line]) -> bool:
    """Whether no other connection of the address is known to have lived on."""
    first, last = _end(cluster[0]), _end(cluster[-1])
    living = [
        line
        for line in known
        if line.address == cluster[0].address
        and (line.ended is None or line.ended > last)
        and (line.started < first if line.started else line.ended is not None)
    ]
    return len(living) <= _STRAGGLERS * len(cluster)


def _turns(whole: Sequence[list[Line]]) -> Iterator[list[list[Line]]]:
    """Departures that follow each other as in a rolling deployment; a silent one is a death of its own."""
    group: list[list[Line]] = []
    for cluster in sorted(whole, key=lambda each: _end(each[0])):
        if group and _end(cluster[0]) - max(_end(each[-1]) for each in group) > _TURN:
            yield group
            group = []
        group.append(cluster)
    if group:
        yield group


def _departed(group: Sequence[list[Line]], known: Sequence[Line], last_start: datetime | None) -> list[Happening]:
    members = tuple(sorted((line for cluster in group for line in cluster), key=_end))
    whole = _seen(Happening(What.GONE, members[0].code, members, {}), known)
    goodbye = sum(line.code == GOODBYE for line in members) * 2 > len(members)
    turned = whole.back or whole.fresh
    goes_on = whole.others or (last_start is not None and last_start > whole.last + _TOGETHER)
    if len(whole.addresses) > 1:
        if turned:
            return [replace(whole, what=What.DEPLOYED)]
        if goodbye and goes_on:
            return [replace(whole, what=What.SCALED_IN)]
        return [whole]
    if not goodbye:
        return [Happening(What.CRASHED, each[0].code, tuple(each), {}) for each in group]
    if turned:
        return [replace(whole, what=What.DEPLOYED)]
    return [replace(whole, what=What.SCALED_IN if goes_on else What.GONE)]


def _shared_turns(parts: Sequence[list[Line]], known: Sequence[Line]) -> tuple[list[Happening], list[list[Line]]]:
    """App servers behind one address that were turned over one after the other, and the clusters that stay.

    Each takes about as many connections with it as a process has, says goodbye, and as many start again.
    """
    found, left = [], [each for each in parts if not _is_process(each)]
    by_address: dict[str, list[list[Line]]] = {}
    for cluster in parts:
        if _is_process(cluster):
            by_address.setdefault(cluster[0].address, []).append(cluster)
    for mine in by_address.values():
        for group in _turns(mine):
            members = tuple(sorted((line for cluster in group for line in cluster), key=_end))
            first, last = _end(members[0]), _end(members[-1]) + _TURN
            back = [
                line
                for line in known
                if line.address == members[0].address and line.started and first - _TURN <= line.started <= last
            ]
            if len(group) > 1 and members[0].address and len(back) >= _MOSTLY * len(members):
                found.append(Happening(What.DEPLOYED, members[0].code, members, {}))
            else:
                left += group
    return found, left


def _is_process(cluster: Sequence[Line]) -> bool:
    return len(cluster) >= _PROCESS and sum(line.code == GOODBYE for line in cluster) * 2 > len(cluster)


def _parts(parts: Sequence[list[Line]]) -> list[Happening]:
    """Connections that closed while others of their address lived on, by address."""
    by_address: dict[str, list[Line]] = {}
    found = []
    for cluster in parts:
        if cluster[0].code == PING and cluster[0].address:
            by_address.setdefault(cluster[0].address, []).extend(cluster)
        elif cluster[0].code == GOODBYE:
            found.append(Happening(What.TRIMMED, GOODBYE, tuple(cluster), {}))
        else:
            found += [Happening(What.LONE, line.code, (line,), {}) for line in cluster]
    for mine in by_address.values():
        mine.sort(key=_end)
        what = What.STARVED if len(mine) > 1 else What.LONE
        found.append(Happening(what, PING, tuple(mine), {}))
    return found


def _seen(each: Happening, known: Sequence[Line]) -> Happening:
    """`each` with who came back, who is new, and whether other app servers were there."""
    mine = set(each.addresses)
    back: dict[str, datetime] = {}
    fresh: list[str] = []
    oldest: dict[str, datetime] = {}
    for line in known:
        at = line.started or line.ended
        if at is not None:
            oldest[line.address] = min(at, oldest.get(line.address, at))
    for line in sorted(known, key=lambda line: line.started or each.first):
        if line.started is None or not each.first - _TURN <= line.started <= each.last + _TURN:
            continue
        gone = [_end(own) for own in each.lines if own.address == line.address]
        if gone and line.started >= min(gone):
            back.setdefault(line.address, line.started)
        elif line.address not in mine and line.started - oldest[line.address] <= _TOGETHER:
            fresh.append(line.address)
    others = any(
        line.address not in mine and (line.ended is None or line.ended > each.last)
        and (line.started is None or line.started < each.first)
        for line in known
    )  # fmt: skip
    return replace(each, back=back, fresh=tuple(dict.fromkeys(fresh)), others=others)


def _end(line: Line) -> datetime:
    assert line.ended is not None  # noqa: S101 - only closed lines come here
    return line.ended
