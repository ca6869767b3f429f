"""One app server with a wrong endpoint or key: the service refuses its own connections, again and again."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.faults.access.audiences import mistaken
from bot.simulator.instances import REGIONS
from bot.simulator.world import World

# The SDK doubles its wait from one second to a minute, and adds up to a second each time.
_BACK_OFF = (1, 2, 4, 8, 16, 32, 60)


def begin(world: World, act: Act) -> None:
    """For `seconds` an app server at `address` tries to connect `lines` times for each hub.

    `mistake` is the one in its audience; with `says` the service writes that text instead. The truth's size is 0,
    since no client is refused.
    """
    dice = world.dice(act.stream)
    address = act.text("address", "203.0.113.99")
    mistake, says = act.text("mistake", "other-host"), act.text("says", "")
    until = world.clock.now + act.number("seconds", 900) * SECOND
    act.tell("address", address)

    def attempt(hub: str, tries: int) -> None:
        if world.clock.now >= until:
            return
        event = events.unauthorized(says) if says else events.wrong_audience(*mistaken(mistake, "server", hub))
        who = f',"connectionType":"Server","transportType":"WebSockets","userId":null,"hub":"{hub}"'
        instance = dice.pick(
            [each for each in world.service.instances if each.region == REGIONS[0] and not each.draining]
        )
        world.journal.write(instance, event, address, dice.guid(), who)
        act.seen()
        wait = _BACK_OFF[min(tries, len(_BACK_OFF) - 1)] * SECOND + dice.below(SECOND)
        world.clock.after(wait, attempt, hub, tries + 1)

    for hub in world.plan.servers.hubs:
        for _ in range(act.number("lines", 5)):
            world.clock.after(dice.below(2 * SECOND), attempt, hub, 0)
