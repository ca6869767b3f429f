"""A scenario on stage: its archive and the truth about it."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from bot.simulator import faults, scenarios, told
from bot.simulator.act import Act, Begin
from bot.simulator.clock import HOUR, MINUTE
from bot.simulator.events import FAMILIES, RESOURCE_ID
from bot.simulator.faults import access, messages
from bot.simulator.plan import CONNECTIONS_PER_UNIT, NEXT_PAGE_SHARE, Plan
from bot.simulator.scenarios import Happening, Scenario, Size
from bot.simulator.told import Told
from bot.simulator.world import World

MOST_HOURS = 31 * 24
# The service has been running for an hour when its log begins.
_UNLOGGED = HOUR
_WARM_UP = 10 * MINUTE
_FREE_CONNECTIONS = 20
# A start, an end, and now and then a word in between.
_ROWS_PER_CONNECTION = 2.1
_MOST_CLIENTS = 1_000_000
_TIME = re.compile(rb'^\{"time":"([^"]+)"', re.MULTILINE)
_FAMILY = re.compile(rb'"collection":"([^"]+)"')


def write_scenario(
    out: Path,
    name: str,
    *,
    seed: int,
    start: datetime,
    hours: int | None = None,
    connections: int | None = None,
    rate: int | None = None,
) -> Told:
    """Write the archive of a scenario below `out`, from `start` (aware; its full hour counts), and tell the truth.

    The truth is written beside the archive as well. The scenario's own size can be changed: `hours`; `connections`,
    about how many client connections there are; or `rate`, about how many records a minute. The quota keeps its
    proportion to the clients. The same arguments give the same bytes; an earlier archive is replaced. Raises
    ValueError for a scenario there is not, a size it cannot simulate or a start without a time zone.
    """
    scenario = scenarios.load(name)
    if start.tzinfo is None:
        raise ValueError("start needs a time zone")
    start = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    plan = plan_of(scenario, start, hours, connections, rate)
    world, acts = staged(out, scenario, plan, seed)
    world.run()
    for act in acts.values():
        if act.unread:
            raise ValueError(f"scenario {name}: fault {act.name} has no parameter {act.unread[0]}")
    held = _read_back(out, start)
    archive = Told(
        name=name,
        story=scenario.story,
        seed=seed,
        resource_id=RESOURCE_ID,
        first=held.first,
        last=held.last,
        records=held.records,
        files=held.files,
        families=held.families,
        quota=plan.quota,
        client_connections=world.service.client_connections,
        server_connections=world.service.server_connections,
        truths=told.truths(scenario.truths, acts, world),
    )
    told.write(archive, out)
    return archive


def staged(out: Path, scenario: Scenario, plan: Plan, seed: int) -> tuple[World, dict[str, Act]]:
    """The world before anything has happened in it, and the faults to come by name."""
    world = World(out, plan, seed, scenario.noise)
    acts = {each.name: _act(world, each) for each in scenario.faults}
    world.begin()
    for happening in scenario.faults:
        _schedule(world, happening, acts[happening.name])
    return world, acts


def plan_of(
    scenario: Scenario,
    start: datetime,
    hours: int | None = None,
    connections: int | None = None,
    rate: int | None = None,
) -> Plan:
    """The sizes of a scenario from `start` (UTC, a full hour). Raises ValueError for what cannot be simulated."""
    size = scenario.size
    lasts = size.hours if hours is None else hours
    if not 1 <= lasts <= MOST_HOURS:
        raise ValueError(f"hours must be from 1 to {MOST_HOURS}, not {lasts}")
    if connections is not None and rate is not None:
        raise ValueError("choose connections or a rate, not both")
    clients = _clients(size, lasts * 60, connections, rate)
    quota = _FREE_CONNECTIONS if size.tier == "free" else size.units * CONNECTIONS_PER_UNIT
    if size.clients:
        quota = quota * clients // size.clients
    total = lasts * HOUR + _UNLOGGED
    stay = size.stay * MINUTE
    pages = clients * total // stay
    return Plan(
        start=start,
        span=lasts * HOUR,
        quota=quota,
        already_there=clients,
        comers=int(pages * (1 - NEXT_PAGE_SHARE)),
        mean_stay=stay,
        headroom=quota - clients,
        warm_up=_WARM_UP,
        traced_rows=pages * 2 // 5,
        users=max(pages // 5, 120),
        unlogged=_UNLOGGED,
        busy_hour=size.start_hour,
        servers=scenario.servers,
        habits=scenario.habits,
        strays=scenario.strays,
    )


def _clients(size: Size, minutes: int, connections: int | None, rate: int | None) -> int:
    """How many clients there are at a usual moment."""
    clients = size.clients
    if not clients:
        return 0
    if connections is not None:
        clients = connections * size.stay // (size.stay + minutes)
    elif rate is not None:
        clients = int(rate * size.stay / _ROWS_PER_CONNECTION)
    least = min(size.clients, 300)
    if not least <= clients <= _MOST_CLIENTS:
        raise ValueError(f"that makes {clients} clients at a time; a scenario needs {least} to {_MOST_CLIENTS}")
    return clients


def _act(world: World, happening: Happening) -> Act:
    begins = _UNLOGGED + happening.at[0] * world.plan.span // 1000
    return Act(happening.name, world.clock, world.plan.total - begins, happening.parameters)


def _schedule(world: World, happening: Happening, act: Act) -> None:
    kinds: Mapping[str, Begin] = {**faults.KINDS, **access.KINDS, **messages.KINDS}
    if happening.kind not in kinds:
        raise ValueError(f"there is no kind of fault {happening.kind!r}")
    # Seeds differ in the moment too, but for what is there from the start.
    shift = world.dice(f"{happening.name} begins").below(world.plan.span // 40)
    moments = [at * world.plan.span // 1000 + (shift if at else 0) for at in happening.at]
    if happening.every:
        moments = list(range(moments[0], world.plan.span, happening.every * MINUTE))
    for turn, moment in enumerate(moments):
        world.clock.after(_UNLOGGED + moment, _begin, world, act, kinds[happening.kind], turn, moment)


def _begin(world: World, act: Act, begin: Begin, turn: int, moment: int) -> None:
    act.round = turn
    act.room = world.plan.span - moment
    begin(world, act)


@dataclass(frozen=True, slots=True)
class _Held:
    """What the files hold, whatever the pipeline did to the records."""

    first: datetime
    last: datetime
    records: int
    files: int
    families: tuple[str, ...]


def _read_back(out: Path, start: datetime) -> _Held:
    blobs = sorted((out / "insights-logs-alllogs").rglob("*.json"))
    ends: list[str] = []
    families: set[bytes] = set()
    records = 0
    for blob in blobs:
        content = blob.read_bytes()
        times = [time.decode() for time in _TIME.findall(content)]
        records += len(times)
        # The times of one archive are all written alike, so that their texts sort as they do.
        ends = [min([*ends, *times]), max([*ends, *times])]
        families |= set(_FAMILY.findall(content))
    first, last = [datetime.fromisoformat(end) for end in ends] or [start, start]
    return _Held(first, last, records, len(blobs), tuple(family for family in FAMILIES if family.encode() in families))
