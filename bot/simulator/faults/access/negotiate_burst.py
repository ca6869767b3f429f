"""Everybody negotiates at once: the service answers some with 429, well below the quota of connections.

Neither the number nor a text is public. Source: "Client connection disconnects and reconnects" on Learn.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.population import Client
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """For `seconds`, at most `most` clients a second get in; `says` is the service's text, empty for no row at all."""
    most, says = act.number("most", 5), act.text("says", "")
    refusal: tuple[Event, ...] = (events.throttled(says),) if says else ()
    second = negotiated = refused = 0

    def turn_away(_: Client) -> tuple[Event, ...] | None:
        nonlocal second, negotiated, refused
        if second != world.clock.now // SECOND:
            second, negotiated = world.clock.now // SECOND, 0
        negotiated += 1
        if negotiated <= most:
            return None
        if says:
            refused += 1
            act.hit(f"refusal {refused}")
        return refusal

    def stop() -> None:
        world.service.gate = None

    world.service.gate = turn_away
    world.clock.after(act.number("seconds", 300) * SECOND, stop)
