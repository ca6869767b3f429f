"""A hub method that does not wait for its join: what it sends to the group at once arrives before the join.

Source: "Monitor and troubleshoot Azure SignalR Service logs" on Learn, a client misses messages of its group.
"""

from __future__ import annotations

from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND
from bot.simulator.messages import outgoing
from bot.simulator.messages.messaging import Messaging, messaging_of
from bot.simulator.messages.wire import Collect
from bot.simulator.service import ClientConnection
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """For `seconds` (0: to the end) `share` thousandths of the joins arrive `least` to `most` ms after such a message.

    With `tie` both arrive within one second of the clock, so that records cannot tell their order. The truth's size
    counts the clients that missed the message.
    """
    messaging = messaging_of(world, act)
    race = _Race(world, act, messaging)
    messaging.rooms.joins_otherwise = race.join
    if lasts := act.number("seconds", 0) * SECOND:
        world.clock.after(lasts, race.stop)


class _Race:
    def __init__(self, world: World, act: Act, messaging: Messaging) -> None:
        self._clock = world.clock
        self._act = act
        self._rooms = messaging.rooms
        self._wire = messaging.wire
        self._dice: Dice = world.dice(act.stream)
        self._share = act.number("share", 300)
        self._least, self._most = act.number("least", 1100), act.number("most", 3000)
        self._tie = act.flag("tie", False)

    def join(self, connection: ClientConnection, number: int) -> bool:
        """Take over a share of the joins."""
        if self._dice.below(1000) >= self._share:
            return False
        wait = self._dice.between(100, 400)
        if self._tie:
            # From the beginning of a second, so that both arrivals fit into it.
            wait = SECOND - self._clock.now % SECOND + self._dice.below(50)
        self._clock.after(wait, self._greet, connection, number)
        return True

    def stop(self) -> None:
        self._rooms.joins_otherwise = None

    def _greet(self, connection: ClientConnection, number: int) -> None:
        """The join is made first and arrives last; the greeting overtakes it."""
        if not connection.open:
            return
        traced = self._wire.collect is Collect.ALL
        joining = self._wire.next_id(connection.line.server) if traced else None
        group = self._rooms.group(number)
        greeting = self._wire.send(connection.line, outgoing.to_group(group), self._rooms.present(number))
        self._act.hit(connection.id)
        self._act.tell("group", group, first=True)
        if greeting is not None:
            self._act.tell("trace", str(greeting), first=True)
        self._act.tell("hub", connection.client.hub)
        late = self._dice.between(100, 800) if self._tie else self._dice.between(self._least, self._most)
        self._clock.after(late, self._rooms.join, connection, number, joining)
