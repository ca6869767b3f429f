"""A model of Azure SignalR Service that writes a believable log archive.

It knows nothing of the bot: what the bot says about an archive can be held against what happened here.
`faults` can happen to a `world`; `scenarios` says which do, and `told` what is true then.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from bot.simulator import faults, misconfigured, tracing
from bot.simulator.events import RESOURCE_ID
from bot.simulator.examples import Example
from bot.simulator.plan import plan_for
from bot.simulator.staging import MOST_HOURS, write_scenario
from bot.simulator.told import TRUTH_FILE, CauseTold, Told, Truth
from bot.simulator.world import World

__all__ = ["CauseTold", "Example", "Told", "Truth", "Written", "write_archive", "write_scenario"]

FEWEST_CONNECTIONS, MOST_CONNECTIONS = 2_000, 5_000_000


@dataclass(frozen=True, slots=True)
class Written:
    """What an archive holds.

    `first` and `last` are the times of its oldest and youngest record (aware UTC). `quota` is how many
    connections, of both kinds together, may be open at once. `examples` holds one dropped connection for
    each fault, in the order in which they happened, one `healthy` that ended and one `still-open`.
    """

    records: int
    files: int
    client_connections: int
    server_connections: int
    quota: int
    first: datetime
    last: datetime
    resource_id: str
    examples: tuple[Example, ...]


def write_archive(out: Path, *, seed: int, connections: int, hours: int, start: datetime) -> Written:
    """Write an archive of `hours` from `start` (aware; its full hour counts) below `out`, and describe it.

    `connections` is about how many client connections it holds; there are a little over two records for
    each. The same arguments give the same bytes. An earlier archive that the simulator wrote to the same
    place is replaced. Raises ValueError for a size it cannot simulate or a start without a time zone.
    """
    if not FEWEST_CONNECTIONS <= connections <= MOST_CONNECTIONS:
        raise ValueError(
            f"connections must be from {FEWEST_CONNECTIONS} to {MOST_CONNECTIONS}, not {connections}: "
            "fewer would not fill the quota of one unit"
        )
    if not 1 <= hours <= MOST_HOURS:
        raise ValueError(f"hours must be from 1 to {MOST_HOURS}, not {hours}")
    if start.tzinfo is None:
        raise ValueError("start needs a time zone")
    start = start.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    plan = plan_for(connections, hours, start)
    # What a scenario told about an archive in this place is not true of the new one.
    (out / TRUTH_FILE).unlink(missing_ok=True)
    world = World(out, plan, seed)
    world.begin()
    tracing.schedule(world)
    misconfigured.schedule(world)
    faults.schedule(world)
    world.run()
    return Written(
        records=world.journal.records,
        files=world.journal.files,
        client_connections=world.service.client_connections,
        server_connections=world.service.server_connections,
        quota=plan.quota,
        first=start + timedelta(seconds=world.journal.first or 0),
        last=start + timedelta(seconds=world.journal.last),
        resource_id=RESOURCE_ID,
        examples=world.examples.chosen(),
    )
