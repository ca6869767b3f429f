"""One instance of the service is replaced: its connections are asked to move, a few at a time."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.clock import SECOND
from bot.simulator.instances import Instance
from bot.simulator.service import ServerConnection
from bot.simulator.world import World

_DRAIN = 150 * SECOND
_LINE_DRAIN = 30 * SECOND


def begin(world: World, code: str, _room: int) -> None:
    """Each server connection lets its clients go first and closes once the last has gone."""
    dice = world.dice(code)
    instance = _busiest(world)
    instance.draining = True
    for line in [line for line in world.service.lines if line.instance is instance]:
        world.service.stop_routing(line)
        turn = dice.below(_DRAIN - _LINE_DRAIN)
        for connection in line.clients:
            world.clock.after(
                turn + dice.below(_LINE_DRAIN),
                world.drop,
                connection,
                events.aborted(events.RELOAD_CLIENT),
                code,
                f"drained from one instance in {instance.region} that was being replaced",
            )
        world.clock.after(turn + _LINE_DRAIN, world.drop_line, line, events.aborted(events.RELOAD_SERVER))
    world.clock.after(_DRAIN, _back_in_service, instance)


def _busiest(world: World) -> Instance:
    def clients(instance: Instance) -> int:
        return sum(_load(line) for line in world.service.lines if line.instance is instance)

    return max(world.service.instances, key=clients)


def _load(line: ServerConnection) -> int:
    return len(line.clients)


def _back_in_service(instance: Instance) -> None:
    instance.draining = False
