"""What stands out among clients; each pattern is weighed against all other clients of the window."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from bot.interpret.clients.rows import Clients, Closed, network
from bot.model import Row

# Fewer than this are chance, and so is a rate that is not several times everyone else's.
MANY, TIMES = 10, 5.0
# A place that loses fewer of its own than this is as healthy as places are.
LEAST = 0.05
# A token's end is a wall: so few live on beyond it, and so many of those who come near it end there.
BEYOND, AT_THE_WALL = 0.1, 0.5
# Ages are counted in half minutes; before five minutes too much else ends connections.
HALF_MINUTE, YOUNGEST = timedelta(seconds=30), 10
# An address that mostly polls, while the others hardly do.
POLLS, POLLS_ELSEWHERE = 0.5, 0.2
# So many within so few minutes, and most of all of their kind, were closed together.
BURST_SIZE, BURST = 30, timedelta(minutes=3)
# As many addresses as queries/investigations/clients/places.kql returns at most.
COUNTED = 1000
# So much of what everybody loses in a minute is one address's own affair.
ALONE = 0.8
# The same minute in so many hours is no chance.
HOURS = 3


@dataclass(frozen=True, slots=True)
class Place:
    """An address or network whose clients closed for one reason far more often than those of all others.

    `closed` of `started` connections here, `usual` is the same share (0 to 1) elsewhere.
    """

    name: str
    closed: int
    started: int
    usual: float
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Wall:
    """An age at which connections without WebSockets end: `count` of the `near` that came close to it."""

    age: timedelta
    count: int
    near: int
    first: datetime
    last: datetime


@dataclass(frozen=True, slots=True)
class Hourly:
    """An address that loses connections at the same `minute` of `hours` different hours."""

    address: str
    minute: int
    hours: int
    count: int
    first: datetime
    last: datetime


def places(clients: Clients, code: str) -> tuple[Place, ...]:
    """The addresses, then the networks of several such addresses, that stand out for `code`; largest first."""
    mine = [each for each in clients.aborts if each.code == code and each.address]
    total = clients.closes[code]
    found = _standing_out(
        _by(mine, {each.address: each.address for each in mine}), clients.started, total, clients.total
    )
    taken = {place.name for place in found}
    rest = [each for each in mine if each.address not in taken]
    of = {each.address: network(each.address) for each in rest}
    groups = {name: group for name, group in _by(rest, of).items() if name and len({e.address for e in group}) > 1}
    starts = Counter[str]()
    for address, number in clients.started.items():
        starts[network(address)] += number
    left = total - sum(place.closed for place in found)
    if len(clients.started) >= COUNTED:
        # The rest of a network's starts may be cut off; then only what has most of the closes stands out for sure.
        groups = {name: group for name, group in groups.items() if sum(each.count for each in group) * 2 > left}
    return (*found, *_standing_out(groups, starts, left, clients.total))


def wall(rows: Sequence[Row]) -> Wall | None:
    """The age at which connections without WebSockets end, from the step `ages`; None when there is none."""
    counts = Counter[int]()
    for row in rows:
        counts[row["half_minutes"]] += row["connections"]
    old = {age: number for age, number in counts.items() if age >= YOUNGEST}
    if not old:
        return None
    peak = max(old, key=lambda age: (old[age], age))
    at_wall = range(peak - 1, peak + 2)
    number = sum(counts[age] for age in at_wall)
    beyond = sum(count for age, count in counts.items() if age > at_wall[-1])
    near = number + sum(count for age, count in counts.items() if peak * 3 // 4 <= age < at_wall[0])
    if number < MANY or beyond > BEYOND * number or number < AT_THE_WALL * near:
        return None
    these = [row for row in rows if row["half_minutes"] in at_wall]
    first, last = min(row["first_seen"] for row in these), max(row["last_seen"] for row in these)
    return Wall(peak * HALF_MINUTE, number, near, first, last)


def waves(rows: Sequence[Row], clients: Clients, code: str) -> tuple[Place, ...]:
    """The addresses that once lost many of their clients for `code` within a minute in which hardly anybody else did.

    `rows` are those of the step `minutes` that have this code.
    """
    found: dict[str, Place] = {}
    for row in sorted(rows, key=lambda row: -row["connections"]):
        address, number = row["CallerIpAddress"], row["connections"]
        everybody = clients.minutes.get(code, Counter())[row["first_seen"].replace(second=0, microsecond=0)]
        alone = row["hours"] == 1 and number >= MANY and number >= ALONE * everybody
        if address in found or not alone or clients.started[address] * 2 > clients.total:
            continue
        others = max(clients.closes[code] - number, 0) / max(clients.total - clients.started[address], 1)
        base = max(clients.started[address], number)
        found[address] = Place(address, number, base, others, row["first_seen"], row["last_seen"])
    return tuple(found.values())


def hourly(rows: Sequence[Row], clients: Clients) -> tuple[Hourly, ...]:
    """The addresses that lose connections at the same minute each hour, from the step `minutes`."""
    aborts = Counter[str]()
    for each in clients.aborts:
        aborts[each.address] += each.count
    of: defaultdict[str, list[Row]] = defaultdict(list)
    for row in rows:
        of[row["CallerIpAddress"]].append(row)
    found = []
    for address, mine in of.items():
        best = max(mine, key=lambda row: (row["hours"], row["connections"]))
        minutes = {(best["minute"] + shift) % 60 for shift in (-1, 0, 1)}
        near = [row for row in mine if row["minute"] in minutes]
        number = sum(row["connections"] for row in near)
        often = best["hours"] >= HOURS and best["connections"] >= HOURS * best["hours"]
        if often and number * 2 > aborts[address]:
            first, last = min(row["first_seen"] for row in near), max(row["last_seen"] for row in near)
            found.append(Hourly(address, best["minute"], best["hours"], number, first, last))
    return tuple(sorted(found, key=lambda each: (-each.count, each.address)))


def burst(clients: Clients, code: str) -> int:
    """How many connections closed for `code` within a few minutes, when that is most of them all; else 0."""
    by_minute = clients.minutes.get(code)
    if not by_minute:
        return 0
    peak = max(by_minute, key=lambda at: (by_minute[at], -at.timestamp()))
    near = sum(number for at, number in by_minute.items() if abs(at - peak) <= BURST)
    return near if near >= BURST_SIZE and near * 2 > by_minute.total() else 0


def polling(clients: Clients) -> tuple[str, ...]:
    """The addresses whose clients mostly use long polling, while those of all others hardly do."""
    polls, total = clients.polling.total(), clients.started.total()
    found = []
    for address, started in clients.started.items():
        mine, others = clients.polling[address], total - started
        elsewhere = (polls - mine) / others if others else 1.0
        if started >= 2 * MANY and mine >= POLLS * started and elsewhere <= POLLS_ELSEWHERE:
            found.append(address)
    return tuple(sorted(found, key=lambda address: (-clients.polling[address], address)))


def short_reasons(clients: Clients) -> Counter[str]:
    """How many connections were aborted within 5 seconds of their start, by the code of the reason."""
    found = Counter[str]()
    for each in clients.short:
        found[each.code] += each.count
    return found


def _by(closed: Sequence[Closed], names: dict[str, str]) -> dict[str, list[Closed]]:
    found: defaultdict[str, list[Closed]] = defaultdict(list)
    for each in closed:
        found[names[each.address]].append(each)
    return dict(found)


def _standing_out(
    groups: dict[str, list[Closed]], started: Counter[str], total: int, all_started: int
) -> tuple[Place, ...]:
    found = []
    for name, group in groups.items():
        here = sum(each.count for each in group)
        # What lived before the window closes in it too: there are no fewer connections than closes.
        base = max(started[name], here)
        usual = max(total - here, 0) / max(all_started - started[name], 1)
        if here >= MANY and here / base > max(TIMES * usual, LEAST):
            first, last = min(each.first for each in group), max(each.last for each in group)
            found.append(Place(name, here, base, usual, first, last))
    return tuple(sorted(found, key=lambda place: (-place.closed, place.name)))
