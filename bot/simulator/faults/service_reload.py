"""One instance of the service is replaced: its connections are asked to move, a few at a time.

Parameters: `clients_say` and `servers_say`, the reasons in their records; `instances`, how many are replaced, one after
the other.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.instances import Instance
from bot.simulator.service import ServerConnection
from bot.simulator.world import World

_DRAIN = 150 * SECOND
_LINE_DRAIN = 30 * SECOND


def begin(world: World, act: Act) -> None:
    dice = world.dice(act.stream)
    instance = _busiest(world)
    act.tell("region", instance.region)
    chosen = [instance, *(each for each in world.service.instances if each.region == instance.region)]
    ordered = list(dict.fromkeys(chosen))[: act.number("instances", 1)]
    clients_say = events.aborted(act.text("clients_say", events.RELOAD_CLIENT))
    servers_say = events.aborted(act.text("servers_say", events.RELOAD_SERVER))
    for turn, each in enumerate(ordered):
        world.clock.after(turn * _DRAIN, _drain, world, act, dice, each, clients_say, servers_say)


def _drain(world: World, act: Act, dice: Dice, instance: Instance, clients_say: Event, servers_say: Event) -> None:
    """Each server connection lets its clients go first and closes once the last has gone."""
    instance.draining = True
    note = f"drained from one instance in {instance.region} that was being replaced"
    for line in [line for line in world.service.lines if line.instance is instance]:
        world.service.stop_routing(line)
        turn = dice.below(_DRAIN - _LINE_DRAIN)
        for connection in line.clients:
            world.clock.after(turn + dice.below(_LINE_DRAIN), world.drop, connection, clients_say, act, note)
        world.clock.after(turn + _LINE_DRAIN, world.drop_line, line, servers_say, act)
    world.clock.after(_DRAIN, _back_in_service, instance)


def _busiest(world: World) -> Instance:
    def clients(instance: Instance) -> int:
        return sum(_load(line) for line in world.service.lines if line.instance is instance)

    return max(world.service.instances, key=clients)


def _load(line: ServerConnection) -> int:
    return len(line.clients)


def _back_in_service(instance: Instance) -> None:
    instance.draining = False
