"""Message tracing: on one hub for a while, as "collect all" shows it, or as a scenario wants it.

Source: "Monitor and troubleshoot Azure SignalR Service logs" on Learn.
"""

from __future__ import annotations

from bot.simulator.act import Act
from bot.simulator.messages.app_log import Style
from bot.simulator.messages.messaging import Messages, Messaging, app_log_for, rooms_for
from bot.simulator.messages.wire import Collect
from bot.simulator.world import World

_ROWS_PER_MESSAGE = 4


def schedule(world: World) -> None:
    """Switch tracing on for a quarter of the span, somewhere in its middle."""
    dice = world.dice("tracing window")
    quarter = world.plan.span // 4
    count = max(world.plan.traced_rows // _ROWS_PER_MESSAGE, 1)
    messaging = Messaging(world, Messages(count, quarter, rooms_for(world.plan.already_there)))
    world.clock.after(quarter + dice.below(quarter), messaging.begin, Collect.ALL)


def begin(world: World, act: Act) -> None:
    """Trace from now to the end of the span; the other faults about messages act on what this one sets up.

    `messages` are sent in all. `collect` is "all", "diagnostic" or "off"; `diagnostic` thousandths of the users are
    diagnostic clients, `empty` thousandths of the messages go to groups without members. `app_log` is "console"
    or "json" for a log of the app servers beside the archive, empty for none.
    """
    style = act.text("app_log", "")
    log = app_log_for(world, Style(style)) if style else None
    clients = [connection for line in world.service.lines for connection in line.clients]
    messages = Messages(
        act.number("messages", 2_000),
        act.room,
        rooms_for(len(clients)),
        act.number("diagnostic", 0),
        act.number("empty", 0),
        every_type=act.flag("every_type", True),
    )
    world.messaging = Messaging(world, messages, log)
    for connection in clients:
        world.messaging.rooms.adopt(connection)
    world.messaging.begin(Collect(act.text("collect", Collect.ALL)))
