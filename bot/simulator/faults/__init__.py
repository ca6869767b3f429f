"""What can go wrong. A new kind is a function `begin(world, act)`, and a row here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.simulator.act import Act, Begin
from bot.simulator.faults import (
    app_servers_changed,
    app_servers_lost,
    client_ping_timeout,
    connection_limit,
    endings,
    hub_exception,
    leaks,
    server_connection_dropped,
    service_reload,
)
from bot.simulator.world import World

# The faults of an ordinary archive: each happens once.
FAULTS: tuple[tuple[str, Begin], ...] = (
    ("client-ping-timeout", client_ping_timeout.begin),
    ("server-connection-dropped", server_connection_dropped.begin),
    ("service-reload", service_reload.begin),
    ("hub-exception", hub_exception.begin),
    ("connection-limit", connection_limit.begin),
)
# The kinds of fault that a scenario can ask for.
KINDS: Mapping[str, Begin] = MappingProxyType(
    {
        **dict(FAULTS[:-1]),
        "app-server-crash": app_servers_lost.crash,
        "app-server-starvation": app_servers_lost.starve,
        "server-network-loss": app_servers_lost.lose_network,
        "deploy": app_servers_changed.deploy,
        "scale-in": app_servers_changed.scale_in,
        "scale-out": app_servers_changed.scale_out,
        "foreign-app-server": app_servers_changed.join_foreign,
        "unbalanced": app_servers_changed.unbalance,
        "client-leak": leaks.leak_clients,
        "server-leak": leaks.leak_servers,
        "demand": leaks.more_demand,
        "endings": endings.end_clients,
        "handshake-errors": endings.break_handshakes,
        "mode-switch": endings.switch_mode,
        "token-expiry": endings.watch_tokens,
        "refusals": endings.watch_refusals,
    }
)


def schedule(world: World) -> None:
    """Give each fault a slot of its own in the span, in an order that the seed decides."""
    dice = world.dice("faults")
    first, last = world.plan.span // 8, world.plan.span * 19 // 20
    slot = (last - first) // len(FAULTS)
    for place, (code, begin) in enumerate(dice.shuffled(FAULTS)):
        # A third of the slot is slack for the start, so that an hour of faults still keeps them apart.
        begins = first + place * slot + dice.below(slot // 3)
        world.clock.after(begins, begin, world, Act(code, world.clock, slot * 2 // 3))
