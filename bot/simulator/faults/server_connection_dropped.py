"""An app server stops answering on one server connection, and its clients go with it."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.world import World


def begin(world: World, code: str, _room: int) -> None:
    line = max(world.service.lines, key=lambda each: len(each.clients))
    world.lose_line(line, events.aborted(events.PING_TIMEOUT), code, world.dice(code))
