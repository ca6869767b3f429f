"""Everything about messages in one archive, wired together."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from bot.simulator.messages.app_log import AppLog, Style
from bot.simulator.messages.rooms import Rooms
from bot.simulator.messages.traffic import Traffic
from bot.simulator.messages.wire import Collect, Wire

if TYPE_CHECKING:
    from bot.simulator.act import Act
    from bot.simulator.world import World

_ROOMS_PER_CLIENT = 6
APP_LOG = "app-server.log"


@dataclass(frozen=True, slots=True)
class Messages:
    """How much is sent, and who is heard.

    `count` messages within `lasts` ms; `rooms` of a few clients each. `diagnostic` is the share of users who are
    diagnostic clients, `empty` that of messages to groups without members, both in thousandths. `every_type`
    is whether the rarer types occur.
    """

    count: int
    lasts: int
    rooms: int
    diagnostic: int = 0
    empty: int = 0
    every_type: bool = False


class Messaging:
    """The wire, the rooms on it and the traffic in them."""

    def __init__(self, world: World, messages: Messages, app_log: AppLog | None = None) -> None:
        clock, dice = world.clock, world.dice("tracing")
        self.wire = Wire(clock, world.journal, dice, app_log)
        self.rooms = Rooms(clock, self.wire, dice, messages.rooms, messages.diagnostic)
        self.traffic = Traffic(
            clock,
            world.service,
            self.wire,
            self.rooms,
            dice,
            messages=messages.count,
            lasts=messages.lasts,
            empty_permille=messages.empty,
            every_type=messages.every_type,
        )
        world.service.on_started.append(self.rooms.enter)

    def begin(self, collect: Collect) -> None:
        """Switch tracing on and let the messages flow."""
        self.wire.collect = collect
        self.traffic.begin()


def messaging_of(world: World, act: Act) -> Messaging:
    """What a fault about messages acts on. Raises ValueError in a scenario that traces none."""
    if world.messaging is None:
        raise ValueError(f"fault {act.name}: there are no messages without a fault of kind tracing before it")
    return world.messaging


def rooms_for(clients: int) -> int:
    """How many rooms so many clients fill."""
    return max(clients // _ROOMS_PER_CLIENT, 2)


def app_log_for(world: World, style: Style) -> AppLog:
    """The app servers' log beside the archive: their server connections from now on, and traced messages."""
    log = AppLog(world.out / APP_LOG, style, world.moment(0), world.clock)
    world.service.on_line_opened.append(log.opened)
    world.service.on_line_closed.append(log.closed)
    world.at_end.append(log.save)
    return log
