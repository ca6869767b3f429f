"""One call of a diagnostic client and the hub's answer to its room, for whoever wants to follow a message."""

from __future__ import annotations

from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.messages import outgoing
from bot.simulator.messages.messaging import messaging_of
from bot.simulator.messages.wire import Lost
from bot.simulator.service import ClientConnection
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """A member of the fullest room becomes a diagnostic client and calls the hub, which sends to the room.

    The call's tracing id is told as `up`, the answer's as `down`. `lost` says where one of the two gets lost, as in
    `Lost`; empty for nowhere. Waits until there is a room with two members.
    """
    messaging = messaging_of(world, act)
    rooms, wire = messaging.rooms, messaging.wire
    lost = act.text("lost", "")
    number = max(range(len(rooms)), key=lambda each: len(rooms.present(each)))
    room = rooms.present(number)
    if len(room) < 2:
        world.clock.after(SECOND, begin, world, act)
        return
    speaker, group = room[0], rooms.group(number)

    def answer() -> None:
        receivers = rooms.present(number)
        down = wire.send(speaker.line, outgoing.to_group(group), receivers, diagnostic=True)
        act.tell("down", str(down))
        _tell(act, down, speaker)

    rooms.diagnose(speaker)
    if lost:
        wire.losing[Lost(lost)] = lambda _trace, _group, receivers: receivers
        world.clock.after(SECOND, wire.losing.pop, Lost(lost))
    act.tell("group", group)
    up = wire.invoke(speaker, answer)
    act.tell("up", str(up))
    _tell(act, up, speaker)


def _tell(act: Act, trace: int | None, speaker: ClientConnection) -> None:
    act.hit(str(trace))
    act.show(speaker)
