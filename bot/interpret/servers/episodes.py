"""What happened to the app servers: their losses of server connections, put together into episodes.

Every rule names the rows it rests on. Several app servers may stand behind one outbound address; an address is
all that the records tell of an app server.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.interpret import chance
from bot.interpret.servers.clients import DROPPED, REACH, STEP, Burst, Clients, total
from bot.interpret.servers.lines import Line, Loss, by_address
from bot.model import Candidate, Confidence, Family, Window

# A new process is up within this time of the old one's end, in place or beside it.
RETURN = timedelta(minutes=10)
# The turns of one deployment follow each other within this time: drain (30 s and more) and start-up of a process.
TURN = timedelta(minutes=15)
# Losses of several addresses this close to each other are one event: the service waits 30 s for pings sent every 5 s.
TOGETHER = timedelta(seconds=10)
# One process that misses its pings again and again: so many connections of it within this time.
OFTEN, OFTEN_WITHIN = 3, timedelta(hours=1)
# A deployment brings back about what it took away; its last turn may lie beyond the records.
MOSTLY_BACK = 0.6
# A lost connection is a process's own affair when it has so much of all that were lost by ping.
MAINLY = 0.6

# One client or two close with any server connection by chance; of those that the app closed it may be some more.
_FEW, _SEVERAL = 3, 6
_NETWORK = Candidate(
    Family.NET, "server-network", "A lost network between the app server and the service looks the same from here.",
    "The app server's own log and uptime at these minutes: did the process go on?",
)  # fmt: skip
_STARVED = Candidate(
    Family.APP, "app-server-starved", "A process without a free thread sends no pings although it runs.",
    "The app server's thread count and CPU at these minutes.",
)  # fmt: skip
_CRASHED = Candidate(
    Family.APP, "app-server-crashed", "A process that was killed ends without a goodbye.",
    "The app server's restarts and exit codes at these minutes.",
)  # fmt: skip
_DEPLOYED = Candidate(
    Family.APP, "app-deployed", "A deployment that kills all processes at once looks the same from here.",
    "The deployment history of the app at these minutes.",
)  # fmt: skip
_INSTANCE = Candidate(
    Family.SERVICE, "service-instance-restart", "A restarting service instance takes a part of the connections.",
    "Microsoft's answer to a support request that names this minute.",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Episode:
    """One thing that happened: `code` is its knowledge entry's and, when `cause` is set, its cause's.

    `losses` and `joined` are the server connections it closed and opened, `hit` the clients that were closed with it.
    """

    code: str
    first: datetime
    last: datetime
    losses: tuple[Loss, ...] = ()
    joined: tuple[Line, ...] = ()
    hit: tuple[Burst, ...] = ()
    confidence: Confidence | None = None
    candidates: tuple[Candidate, ...] = ()

    @property
    def lost(self) -> tuple[Line, ...]:
        return tuple(line for loss in self.losses for line in loss.lines)

    @property
    def addresses(self) -> tuple[str, ...]:
        return tuple(dict.fromkeys(line.address for line in (*self.lost, *self.joined)))

    @property
    def hubs(self) -> tuple[str, ...]:
        return tuple(sorted({line.hub for line in (*self.lost, *self.joined)}))


def read(losses: Sequence[Loss], lines: Sequence[Line], clients: Clients, window: Window) -> tuple[Episode, ...]:
    """What the losses amount to, oldest first; every loss is part of one episode."""
    rest = list(losses)
    found: list[Episode] = []
    for rule in (_together, _turnovers, _starved):
        found += rule(rest, lines, clients)
        used = {id(loss) for episode in found for loss in episode.losses}
        rest = [loss for loss in rest if id(loss) not in used]
    found += [_single(loss, clients, window) for loss in rest]
    return tuple(sorted(found, key=lambda episode: (episode.first, episode.code)))


def hit(clients: Clients, losses: Sequence[Loss], closed_by_app: bool = False) -> tuple[Burst, ...]:
    """The clients closed with `losses`, each burst once; `closed_by_app` also takes those that the app closed."""
    codes = DROPPED | ({"app-server-closed"} if closed_by_app else frozenset())
    bursts: dict[Burst, None] = {}
    for loss in losses:
        span = Window(loss.first - STEP, loss.last + REACH)
        bursts |= dict.fromkeys(clients.closed(codes, span, loss.hubs))
    return tuple(bursts)


def _together(losses: Sequence[Loss], lines: Sequence[Line], clients: Clients) -> list[Episode]:
    """Several addresses that lost connections without a goodbye at the same moment."""
    found = []
    abrupt = [loss for loss in losses if not loss.goodbye]
    for group in _chains(abrupt, TOGETHER):
        if len({loss.address for loss in group}) < 2 or sum(len(loss.lines) for loss in group) < OFTEN:
            continue
        newcomers = _newcomers(group, lines)
        # A replacement for all of them shows that even an address of one or two connections went as a whole.
        whole = all(loss.entire for loss in group)
        pings = all(loss.by_ping for loss in group)
        if whole and len(newcomers) >= MOSTLY_BACK * sum(len(loss.lines) for loss in group):
            found.append(_episode("app-deployed", group, clients, Confidence.MEDIUM, (_NETWORK,), newcomers))
        elif pings:
            whole = all(loss.whole for loss in group)
            others = (_DEPLOYED, _CRASHED) if whole else (_INSTANCE, _STARVED)
            confidence = Confidence.MEDIUM if whole else Confidence.LOW
            found.append(_episode("server-network", group, clients, confidence, others))
        else:
            open_causes = (_DEPLOYED, _NETWORK, _INSTANCE)
            found.append(_episode("several-servers-lost", group, clients, None, open_causes))
    return found


def _turnovers(losses: Sequence[Loss], lines: Sequence[Line], clients: Clients) -> list[Episode]:
    """App servers that left one after the other, or all at once, while new connections took their place."""
    found = []
    whole = [loss for loss in losses if loss.whole]
    for group in _chains(whole, TURN):
        newcomers = _newcomers(group, lines)
        back = {line.connection_id: line for loss in group for line in loss.back} | {
            line.connection_id: line for line in newcomers
        }
        several = len({loss.address for loss in group}) > 1
        replaced = bool(newcomers) and all(loss.goodbye for loss in group)
        only_one = all(loss.goodbye for loss in group) and bool(back)
        enough = len(back) >= MOSTLY_BACK * sum(len(loss.lines) for loss in group)
        if enough and (several or replaced or only_one):
            found.append(_turnover(group, clients, tuple(back.values())))
    return found


def _turnover(group: Sequence[Loss], clients: Clients, back: tuple[Line, ...]) -> Episode:
    dropped = hit(clients, group, closed_by_app=True)
    graceful = all(loss.goodbye for loss in group) and not _many(dropped, group, clients)
    if graceful:
        return _made("app-deployed-gracefully", group, (), None, (), back)
    confidence = Confidence.HIGH if len(group) > 1 and all(loss.goodbye for loss in group) else Confidence.MEDIUM
    candidates = () if all(loss.goodbye for loss in group) else (_CRASHED,)
    return _made("app-deployed", group, dropped, confidence, candidates, back)


def _starved(losses: Sequence[Loss], _: Sequence[Line], clients: Clients) -> list[Episode]:
    """Addresses that missed their pings again and again, or on several connections, and kept others open."""
    by_ping: defaultdict[str, list[Loss]] = defaultdict(list)
    for loss in losses:
        if loss.by_ping and not loss.whole:
            by_ping[loss.address].append(loss)
    found = []
    every = sum(len(loss.lines) for mine in by_ping.values() for loss in mine)
    for mine in by_ping.values():
        often = _busiest(mine)
        if sum(len(loss.lines) for loss in often) < OFTEN:
            continue
        alone = sum(len(loss.lines) for loss in mine) >= MAINLY * every
        confidence = Confidence.MEDIUM if alone else Confidence.LOW
        found.append(_episode("app-server-starved", mine, clients, confidence, (_NETWORK,)))
    return found


def _busiest(losses: Sequence[Loss]) -> list[Loss]:
    """Those of the hour that lost the most."""
    spans = [[each for each in losses if loss.first <= each.first <= loss.first + OFTEN_WITHIN] for loss in losses]
    return max(spans, key=lambda span: sum(len(loss.lines) for loss in span))


def _single(loss: Loss, clients: Clients, window: Window) -> Episode:
    """A loss that stands alone."""
    went_on = window.end - loss.last >= RETURN
    if loss.whole and loss.goodbye:
        dropped = hit(clients, [loss], closed_by_app=True)
        if not went_on:
            return _made("left-at-the-end", [loss], dropped, None, (_DEPLOYED,))
        if _many(dropped, [loss], clients):
            return _made("app-scaled-in", [loss], dropped, Confidence.MEDIUM, (_CRASHED,))
        return _made("app-scaled-in-gracefully", [loss], (), None)
    if loss.whole:
        return _episode("app-server-crashed", [loss], clients, Confidence.MEDIUM, (_NETWORK, _STARVED))
    dropped = hit(clients, [loss])
    if loss.goodbye or not _many(dropped, [loss], clients):
        return _made("server-connection-replaced", [loss], dropped, None)
    open_causes = (_STARVED, _NETWORK) if loss.by_ping else (_CRASHED, _STARVED, _NETWORK)
    return _made("server-connection-dropped", [loss], dropped, Confidence.LOW, open_causes)


def _many(dropped: Sequence[Burst], group: Sequence[Loss], clients: Clients) -> bool:
    """Whether more clients were closed around these losses than such closes come by at any other time."""
    spans = timedelta(0)
    for loss in group:
        spans += loss.last - loss.first + REACH + STEP
    codes = {burst.code for burst in dropped}
    everything = clients.closed(codes)
    first, last = (
        min((burst.first for burst in everything), default=None),
        max((burst.last for burst in everything), default=None),
    )
    if first is None or last is None:
        return False
    outside = total(everything) - total(dropped)
    usual = outside * (spans / max(last - first, spans))
    lost = total(burst for burst in dropped if burst.code in DROPPED)
    # The app closes single clients at any time, so that three of those may come together on any day.
    return (lost >= _FEW or total(dropped) >= _SEVERAL) and chance.is_more(total(dropped), usual)


def _newcomers(group: Sequence[Loss], lines: Sequence[Line]) -> tuple[Line, ...]:
    """The connections that addresses never seen before opened around these losses."""
    first, last = group[0].first - RETURN, max(loss.last for loss in group) + RETURN
    gone = {loss.address for loss in group}
    return tuple(
        line
        for address, mine in by_address(lines).items()
        if address not in gone and _joined(mine) is not None
        for line in mine
        if line.opened and first <= (_joined(mine) or first) <= last and line.opened <= last
    )


def _joined(mine: Sequence[Line]) -> datetime | None:
    """When an address was first seen, None when it was there before the records begin."""
    if any(line.opened is None for line in mine):
        return None
    return min(line.opened for line in mine if line.opened)


def _chains(losses: Sequence[Loss], within: timedelta) -> list[list[Loss]]:
    """`losses`, in order of time, in runs whose members begin at most `within` after the last began."""
    found: list[list[Loss]] = []
    for loss in sorted(losses, key=lambda each: each.first):
        if found and loss.first - found[-1][-1].first <= within:
            found[-1].append(loss)
        else:
            found.append([loss])
    return found


def _episode(
    code: str, group: Sequence[Loss], clients: Clients, confidence: Confidence | None,
    candidates: tuple[Candidate, ...], joined: tuple[Line, ...] = (),
) -> Episode:  # fmt: skip
    return _made(code, group, hit(clients, group), confidence, candidates, joined)


def _made(
    code: str, group: Sequence[Loss], dropped: tuple[Burst, ...], confidence: Confidence | None,
    candidates: tuple[Candidate, ...] = (), joined: tuple[Line, ...] = (),
) -> Episode:  # fmt: skip
    return Episode(
        code,
        min(loss.first for loss in group),
        max(loss.last for loss in group),
        tuple(group),
        joined,
        dropped,
        confidence,
        candidates,
    )
