"""From drops and what happened to the app servers to episodes: drops with one likely cause.

A lost server connection takes its clients along; no id ties them, so the tie is by time and hub.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.interpret import course
from bot.interpret.drops.servers import Happening, Line, What
from bot.interpret.drops.tally import Drop
from bot.interpret.drops.waves import LEAST, Mark, Usual, bursts, is_marking, marks
from bot.model import Cause, Confidence, Family, Severity, Window

# What a client's record says when it went with its app server.
SERVED = ("server-connection-dropped", "app-server-closed", "server-connection-not-found", "no-available-server")
CLOSED = "app-server-closed"
TIMEOUT = "client-ping-timeout"
UNEXPLAINED = ("unknown-reason", "no-reason")
# Reasons that a few connections have on any healthy day: laptops sleep, tabs are throttled.
FOREIGN = "foreign-app-server"
_STRAY = (TIMEOUT, CLOSED, *UNEXPLAINED)
# The clients of a lost server connection close within seconds of it; records have whole seconds and any order.
BEFORE, AFTER = timedelta(seconds=5), timedelta(seconds=15)
# A machine of the service that is replaced lets the clients go before it closes the server connection.
_DRAINED = timedelta(seconds=60)
# A stated reason is an alarm from the third connection on; a quota or a mode from the first.
_FEW = 3
_AT_ONCE = (Family.QUOTA, Family.MODE)
# Tokens live an hour by default, and end connections that are no WebSockets. Source: troubleshooting guide.
TOKEN = timedelta(hours=1)
_TOKEN_EARLY, _TOKEN_LATE = timedelta(seconds=60), timedelta(seconds=150)
_WEBSOCKETS = "websockets"
# A twentieth of all ends, and this many, is more than stray time-outs make.
_RAISED_SHARE, _RAISED_LEAST, _RAISED_TIMES = 0.10, 20, 3
# Rush hours have more strays: a small wave without anything in common counts only when it is a matter of seconds.
MANY, _SECONDS = 10, timedelta(seconds=20)
# A foreign app server explains nearly all of the errors of its hub.
_FOREIGN_SHARE = 0.9

_SERVERS: Mapping[What, tuple[Family, Confidence]] = {
    What.NETWORK: (Family.NET, Confidence.MEDIUM),
    What.CRASHED: (Family.APP, Confidence.MEDIUM),
    What.STARVED: (Family.APP, Confidence.MEDIUM),
    What.DEPLOYED: (Family.APP, Confidence.MEDIUM),
    What.SCALED_IN: (Family.APP, Confidence.MEDIUM),
    What.LONE: (Family.APP, Confidence.LOW),
    What.TRIMMED: (Family.APP, Confidence.LOW),
}


@dataclass(frozen=True, slots=True)
class Episode:
    """Drops with one likely cause; `cause` is None when the records cannot decide.

    `code` names its words in the tables drops_findings and abort_reasons. `size` is how many client connections; more
    than `drops` holds when those are a sample. `late` counts the drops farther than AFTER from any server close.
    `text` is the reason, or the address of an app server that `joined`.
    """

    code: str
    cause: Cause | None
    drops: tuple[Drop, ...]
    size: int
    severity: Severity
    marks: tuple[Mark, ...] = ()
    server: Happening | None = None
    late: int = 0
    text: str = ""
    joined: datetime | None = None

    @property
    def first(self) -> datetime:
        return min(self._moments)

    @property
    def last(self) -> datetime:
        return max(self._moments)

    @property
    def _moments(self) -> list[datetime]:
        own = [drop.at for drop in self.drops]
        return [*own, self.server.first, self.server.last] if self.server else own

    @property
    def marking(self) -> tuple[Mark, ...]:
        return tuple(mark for mark in self.marks if is_marking(mark, self.drops))


@dataclass(frozen=True, slots=True)
class Told:
    """All episodes, most clients first, and the drops that belong to none."""

    episodes: tuple[Episode, ...]
    strays: tuple[Drop, ...]


@dataclass(frozen=True, slots=True)
class Scene:
    """What the drops are held against: `weight` is how many each stands for, `ended` how many client connections
    closed in all, and `before` how many of them for each code in the same span before (None: nothing was logged).
    `closes` are all closes of clients by step of the window, `by_code` those of each code."""

    window: Window
    usual: Usual
    weight: float
    ended: int
    before: Mapping[str, int] | None
    ended_before: int
    lines: Sequence[Line]
    closes: Mapping[int, int]
    by_code: Mapping[str, Mapping[int, int]]


def tell(drops: Sequence[Drop], servers: Sequence[Happening], scene: Scene) -> Told:
    """Server losses with their clients first; then what a record states; then bursts; then a raised rate."""
    left = list(drops)
    found: list[Episode] = []
    for episode in _of_servers(left, servers, scene):
        found.append(episode)
        gone = set(map(id, episode.drops))
        left = [drop for drop in left if id(drop) not in gone]
    for rule in (_tokens, _foreign, _stated, _bursts, _raised):
        for episode in list(rule(left, scene)):
            found.append(episode)
            gone = set(map(id, episode.drops))
            left = [drop for drop in left if id(drop) not in gone]
    found = _folded(found)
    found.sort(key=lambda each: (-each.size, each.first, each.code))
    return Told(tuple(found), tuple(left))


def _made(
    scene: Scene, code: str, cause: Cause | None, drops: Sequence[Drop], severity: Severity, **more: object
) -> Episode:
    shared = tuple(marks(drops, scene.usual, scene.weight)) if drops else ()
    return Episode(code, cause, tuple(drops), round(len(drops) * scene.weight), severity, shared, **more)  # type: ignore[arg-type]


def _folded(found: Sequence[Episode]) -> list[Episode]:
    """With what a foreign app server did as it left put into its own episode."""
    foreign = next((each for each in found if each.code == FOREIGN), None)
    if foreign is None:
        return list(found)
    own = [each for each in found if each.server and each.server.addresses == (foreign.text,)]
    drops = [*foreign.drops, *(drop for each in own for drop in each.drops)]
    whole = replace(foreign, drops=tuple(drops), size=foreign.size + sum(each.size for each in own))
    return [whole, *(each for each in found if each is not foreign and each not in own)]


def _of_servers(drops: Sequence[Drop], servers: Sequence[Happening], scene: Scene) -> Iterator[Episode]:
    own: dict[int, list[Drop]] = {number: [] for number in range(len(servers))}
    late: dict[int, int] = dict.fromkeys(own, 0)
    for drop in drops:
        # A reason that the server's record states is the client's too.
        same = [number for number, each in enumerate(servers) if each.code == drop.code]
        choice = same or [number for number in own if drop.code in SERVED]
        if not choice:
            continue
        distance, number = min((_distance(drop, servers[number]), number) for number in choice)
        if distance > AFTER:
            if not _is_amid(drop, servers[number]):
                continue
            late[number] += 1
        own[number].append(drop)
    for number, each in enumerate(servers):
        episode = _of_server(each, own[number], late[number], scene)
        if episode is not None:
            yield episode


def _is_amid(drop: Drop, each: Happening) -> bool:
    """Whether a drop that is near none of the closes that were logged lies between them: its own may be missing."""
    if drop.code == each.code:
        return each.first - _DRAINED <= drop.at <= each.last + _DRAINED
    return drop.code != CLOSED and each.first <= drop.at <= each.last + AFTER


def _of_server(each: Happening, mine: Sequence[Drop], late: int, scene: Scene) -> Episode | None:
    # A stray close by the app at the moment of a goodbye is a coincidence; several, or a lost connection, are not.
    told = [drop for drop in mine if drop.code != CLOSED]
    if len(told) < 1 and len(mine) < LEAST:
        mine = []
    calm = each.what in (What.TRIMMED, What.DEPLOYED, What.SCALED_IN, What.GONE) and all(
        not line.code or line.code == "goodbye" for line in each.lines
    )
    if not mine and (calm or each.what is What.LONE):
        return None
    severity = Severity.ERROR if mine else Severity.WARNING
    if each.what is What.STATED:
        if not mine and each.code != "service-reload":
            return None
        family = {"service-reload": Family.SERVICE, "service-transient-error": Family.SERVICE}.get(each.code)
        family = family or (mine[0].entry.cause if mine else Family.UNKNOWN)
        cause = Cause(family, each.code, Confidence.HIGH)
        level = Severity.INFO if not mine else Severity.WARNING
        return _made(scene, each.code, cause, mine, level, server=each, late=late)
    if each.what is What.GONE:
        return _made(scene, "app-servers-gone", None, mine, severity, server=each, late=late)
    family, confidence = _SERVERS[each.what]
    code = What.LONE.value if each.what is What.TRIMMED else each.what.value
    cause = Cause(family, code, confidence)
    return _made(scene, code, cause, mine, severity, server=each, late=late)


def _distance(drop: Drop, each: Happening) -> timedelta:
    """How far from the nearest close of a server connection of its hub it closed; timedelta.max for never.

    What lies within the time in which clients go before their server connection counts as zero.
    """
    before = _DRAINED if each.what is What.STATED else BEFORE
    best = timedelta.max
    for line in each.lines:
        if line.hub and drop.hub and line.hub.casefold() != drop.hub.casefold():
            continue
        if line.ended is not None and drop.at - line.ended >= -before:
            best = min(best, max(drop.at - line.ended, timedelta(0)))
    return best


def _tokens(drops: Sequence[Drop], scene: Scene) -> Iterator[Episode]:
    for code in sorted({drop.code for drop in drops if drop.code in (*_STRAY, "unauthorized")}):
        bound = [d for d in drops if d.code == code and d.transport and d.transport.casefold() != _WEBSOCKETS]
        aged = [d for d in bound if d.lifetime and TOKEN - _TOKEN_EARLY <= d.lifetime <= TOKEN + _TOKEN_LATE]
        unknown = [d for d in bound if d.lifetime is None]
        if len(aged) >= LEAST and len(aged) * 2 > len(bound) - len(unknown):
            cause = Cause(Family.AUTH, "token-expired", Confidence.MEDIUM)
            whole = sorted([*aged, *unknown], key=lambda drop: drop.at)
            yield _made(scene, "token-expired", cause, whole, Severity.WARNING, text=aged[0].reason.text)


def _foreign(drops: Sequence[Drop], scene: Scene) -> Iterator[Episode]:
    """Hub errors that come and go with an app server which joined one hub only, unlike the application's own."""
    thrown = [drop for drop in drops if drop.code == "hub-exception" and drop.hub]
    hubs = {hub for (what, hub), _ in scene.usual.counts.items() if what == "hub" and hub}
    by_address: dict[str, list[Line]] = {}
    for line in scene.lines:
        by_address.setdefault(line.address, []).append(line)
    for address, mine in sorted(by_address.items()):
        starts = [line.started for line in mine if line.started]
        joined = min(starts, default=None)
        own = {line.hub for line in mine}
        new = joined is not None and joined > scene.window.start and len(starts) == len(mine)
        if not address or len(own) != 1 or not new or joined is None or len(hubs) < 2:
            continue
        left = max((line.ended or scene.window.end for line in mine), default=scene.window.end)
        hub = own.pop()
        during = [drop for drop in thrown if drop.hub == hub and joined <= drop.at <= left + AFTER]
        if len(during) >= LEAST and len(during) >= _FOREIGN_SHARE * len(thrown):
            cause = Cause(Family.APP, FOREIGN, Confidence.MEDIUM)
            yield _made(scene, FOREIGN, cause, during, Severity.ERROR, text=address, joined=joined)
            return


def _stated(drops: Sequence[Drop], scene: Scene) -> Iterator[Episode]:
    """What the record itself gives as the reason; for errors of the app, by reason and not by text."""
    by_code: dict[str, list[Drop]] = {}
    for drop in drops:
        if drop.code not in _STRAY:
            by_code.setdefault(drop.code, []).append(drop)
    for code, mine in sorted(by_code.items()):
        entry = mine[0].entry
        if len(mine) * scene.weight < _FEW and entry.cause not in _AT_ONCE and code not in SERVED:
            continue
        shared = tuple(marks(mine, scene.usual, scene.weight))
        cause = Cause(entry.cause, code, entry.confidence) if entry.confidence else None
        if cause and code == "handshake-error" and any(m.what == "address" and is_marking(m, mine) for m in shared):
            cause = Cause(cause.family, code, Confidence.MEDIUM)
        yield _made(scene, code, cause, mine, max(entry.severity, Severity.WARNING), text=mine[0].reason.text)


def _bursts(drops: Sequence[Drop], scene: Scene) -> Iterator[Episode]:
    kinds: dict[tuple[str, str], list[Drop]] = {}
    for drop in drops:
        kinds.setdefault((drop.code, drop.reason.key if drop.code in UNEXPLAINED else ""), []).append(drop)
    for (code, _), mine in sorted(kinds.items()):
        waves = [wave for wave in bursts(mine, scene.window, scene.weight) if not _one_person(wave)]
        networks: dict[str, list[Drop]] = {}
        for wave in waves:
            mark = _network_mark(wave, scene)
            if code == TIMEOUT and mark:
                networks.setdefault(mark.value, []).extend(wave)
            elif _is_striking(wave, scene.weight):
                yield _burst(code, wave, scene)
        for shared in networks.values():
            cause = Cause(Family.NET, "client-network", Confidence.MEDIUM)
            yield _made(scene, "client-network", cause, shared, Severity.ERROR)


def _network_mark(wave: Sequence[Drop], scene: Scene) -> Mark | None:
    shared = marks(wave, scene.usual, scene.weight)
    return next((m for m in shared if m.what in ("address", "network") and is_marking(m, wave)), None)


def _is_striking(wave: Sequence[Drop], weight: float) -> bool:
    """Whether strays can't be meant: at least MANY, or half of that within seconds."""
    return len(wave) * weight >= MANY or wave[-1].at - wave[0].at <= _SECONDS


def _burst(code: str, wave: Sequence[Drop], scene: Scene) -> Episode:
    if code == TIMEOUT:
        return _made(scene, "silent-together", None, wave, Severity.WARNING)
    if code == CLOSED:
        cause = Cause(Family.APP, CLOSED, Confidence.LOW)
        return _made(scene, CLOSED, cause, wave, Severity.WARNING)
    return _made(scene, code, None, wave, Severity.WARNING, text=wave[0].reason.text)


def _one_person(wave: Sequence[Drop]) -> bool:
    """A wave of one user's connections is that user's device, not an incident."""
    users = {drop.user for drop in wave}
    return len(users) == 1 and users != {""}


def _raised(drops: Sequence[Drop], scene: Scene) -> Iterator[Episode]:
    """No burst, but more of one kind than stray ends make; and unknown texts, however few."""
    kinds: dict[tuple[str, str], list[Drop]] = {}
    for drop in drops:
        if drop.code in _STRAY:
            kinds.setdefault((drop.code, drop.reason.key if drop.code in UNEXPLAINED else ""), []).append(drop)
    for (code, _), mine in sorted(kinds.items()):
        size = len(mine) * scene.weight
        share = size / scene.ended if scene.ended else 0.0
        many = size >= _RAISED_LEAST and share >= _RAISED_SHARE
        more = course.rose(scene.by_code.get(code, {}), scene.closes)
        if scene.before is not None and scene.ended_before and size >= _RAISED_LEAST:
            usual = scene.before.get(code, 0) / scene.ended_before
            more |= share >= _RAISED_TIMES * max(usual, 1 / scene.ended_before)
            many |= more and share >= _RAISED_SHARE / 2
        if code == "unknown-reason" or (code == "no-reason" and (many or len(mine) >= LEAST)):
            yield _made(scene, code, None, mine, Severity.WARNING, text=mine[0].reason.text)
        elif many and code == TIMEOUT:
            if _network_mark(mine, scene):
                cause = Cause(Family.NET, "client-network", Confidence.LOW)
                yield _made(scene, "client-network", cause, mine, Severity.WARNING)
            elif more:
                cause = Cause(Family.CLIENT, TIMEOUT, Confidence.LOW)
                yield _made(scene, "more-timeouts", cause, mine, Severity.WARNING)
            else:
                yield _made(scene, "steady-timeouts", None, mine, Severity.INFO)
        elif many and more:
            yield _made(scene, CLOSED, Cause(Family.APP, CLOSED, Confidence.LOW), mine, Severity.WARNING)
