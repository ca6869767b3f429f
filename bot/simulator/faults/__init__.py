"""The faults that a simulated day holds. A new one is a module with a `begin`, and a row here."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from bot.simulator.faults import (
    client_ping_timeout,
    connection_limit,
    hub_exception,
    server_connection_dropped,
    service_reload,
)
from bot.simulator.world import World


@dataclass(frozen=True, slots=True)
class Fault:
    """`begin(world, code, room)` starts the fault now; it is over within `room` milliseconds."""

    code: str
    begin: Callable[[World, str, int], None]


FAULTS = (
    Fault("client-ping-timeout", client_ping_timeout.begin),
    Fault("server-connection-dropped", server_connection_dropped.begin),
    Fault("service-reload", service_reload.begin),
    Fault("hub-exception", hub_exception.begin),
    Fault("connection-limit", connection_limit.begin),
)


def schedule(world: World) -> None:
    """Give each fault a slot of its own in the span, in an order that the seed decides."""
    dice = world.dice("faults")
    first, last = world.plan.span // 8, world.plan.span * 19 // 20
    slot = (last - first) // len(FAULTS)
    for place, fault in enumerate(dice.shuffled(FAULTS)):
        # A third of the slot is slack for the start, so that an hour of faults still keeps them apart.
        begins = first + place * slot + dice.below(slot // 3)
        world.clock.after(begins, fault.begin, world, fault.code, slot * 2 // 3)
