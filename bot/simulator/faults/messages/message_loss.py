"""Messages that get lost on one leg of their way, for a while."""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulator.act import Act
from bot.simulator.clock import MINUTE, SECOND
from bot.simulator.instances import Instance
from bot.simulator.messages.messaging import messaging_of
from bot.simulator.messages.wire import Lost
from bot.simulator.population import CHAT
from bot.simulator.service import ClientConnection
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """For `seconds`, `share` thousandths of the messages get lost: `where` is one of `Lost`.

    In the service only messages to a group are lost that has members of a minute or more, so that there was somebody
    to get them; with `partly` those members of the group miss it that are on the fullest instance, the others get it.
    `warns` adds a warning for each. The truth's size counts lost messages.
    """
    messaging = messaging_of(world, act)
    where = Lost(act.text("where", Lost.IN_SERVICE))
    share, dice = act.number("share", 200), world.dice(act.stream)
    broken = _fullest(world) if act.flag("partly", False) else None

    def loses(trace: int, group: str, receivers: Sequence[ClientConnection]) -> Sequence[ClientConnection] | None:
        missed = [each for each in receivers if broken in (None, each.line.instance)]
        settled = any(world.clock.now - each.opened_at > MINUTE for each in missed)
        if where is Lost.IN_SERVICE and not (group and settled):
            return None
        if dice.below(1000) >= share:
            return None
        act.hit(str(trace))
        act.tell("trace", str(trace), first=True)
        act.tell("hub", CHAT)
        if group:
            act.tell("group", group, first=True)
        return missed

    def stop() -> None:
        del messaging.wire.losing[where]

    messaging.wire.warns = act.flag("warns", False)
    messaging.wire.losing[where] = loses
    world.clock.after(act.number("seconds", 600) * SECOND, stop)


def _fullest(world: World) -> Instance:
    load = dict.fromkeys(world.service.instances, 0)
    for connection in world.connections():
        load[connection.line.instance] += 1
    return max(load, key=load.__getitem__)
