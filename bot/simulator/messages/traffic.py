"""The ordinary messages of a chat: to rooms, to users, now and then to somebody who is not there."""

from __future__ import annotations

from functools import partial

from bot.simulator.chance import Dice
from bot.simulator.clock import Clock
from bot.simulator.messages import outgoing
from bot.simulator.messages.outgoing import Outgoing
from bot.simulator.messages.rooms import Rooms
from bot.simulator.messages.wire import Wire
from bot.simulator.population import DASHBOARDS
from bot.simulator.service import ClientConnection, Service

# How many clients a broadcast may reach: larger hubs do not broadcast.
_MOST_BROADCAST = 80


class Traffic:
    """Sends about `messages` messages within `lasts` ms of `begin`.

    One in ten messages to a user finds nobody; `empty_permille` go to groups without members. With
    `every_type` all the types that the service logs occur, otherwise those of rooms and users alone.
    """

    def __init__(
        self,
        clock: Clock,
        service: Service,
        wire: Wire,
        rooms: Rooms,
        dice: Dice,
        *,
        messages: int,
        lasts: int,
        empty_permille: int = 0,
        every_type: bool = False,
    ) -> None:
        self._clock = clock
        self._service = service
        self._wire = wire
        self._rooms = rooms
        self._dice = dice
        self._step = 2 * max(lasts // max(messages, 1), 1)
        self._lasts = lasts
        self._until = 0
        self._empty_permille = empty_permille
        self._every_type = every_type

    def begin(self) -> None:
        self._until = self._clock.now + self._lasts
        self._next()

    def _next(self) -> None:
        if self._clock.now >= self._until:
            return
        number = self._dice.below(len(self._rooms))
        room = self._rooms.present(number)
        if room:
            self._speak(self._dice.pick(room), number, room)
        self._clock.after(1 + self._dice.below(self._step), self._next)

    def _speak(self, speaker: ClientConnection, number: int, room: list[ClientConnection]) -> None:
        """Let a member of a room call the hub; what the hub sends then goes the way of the speaker's connection."""
        if self._rooms.is_diagnostic(speaker):
            self._wire.invoke(speaker, partial(self._answer, speaker, number))
        else:
            self._send(speaker, number, room)

    def _answer(self, speaker: ClientConnection, number: int) -> None:
        room = self._rooms.present(number)
        if speaker.open and room:
            self._send(speaker, number, room)

    def _send(self, speaker: ClientConnection, number: int, room: list[ClientConnection]) -> None:
        dice = self._dice
        if self._every_type and dice.below(1000) < 15:
            self._broadcast()
            return
        if self._every_type and dice.below(1000) < 40:
            self._rooms.leave(speaker, number)
            return
        message, receivers = self._message(number, room)
        self._wire.send(speaker.line, message, receivers, diagnostic=self._rooms.is_diagnostic(speaker))

    def _message(self, number: int, room: list[ClientConnection]) -> tuple[Outgoing, list[ClientConnection]]:
        dice = self._dice
        group = self._rooms.group(number)
        if self._empty_permille and dice.below(1000) < self._empty_permille:
            return outgoing.to_group(f"archive-{dice.below(20)}"), []
        dial = dice.unit()
        if dial < 0.7:
            return outgoing.to_group(group), list(room)
        if not self._every_type or dial < 0.86:
            return self._to_user(room)
        chosen = dice.pick(room)
        if dial < 0.91:
            users = list(dict.fromkeys(each.client.user for each in (chosen, dice.pick(room))))
            receivers = [each for each in room if each.client.user in users]
            return outgoing.to_users([user.name or chosen.id for user in users]), receivers
        if dial < 0.96:
            return outgoing.to_connections([chosen.id]), [chosen]
        other = dice.below(len(self._rooms))
        receivers = list(dict.fromkeys([*room, *self._rooms.present(other)]))
        return outgoing.to_groups([group, self._rooms.group(other)]), receivers

    def _to_user(self, room: list[ClientConnection]) -> tuple[Outgoing, list[ClientConnection]]:
        """A message to all connections of a member, or to a user who is offline and has no receiver."""
        chosen = self._dice.pick(room)
        if self._dice.unit() < 0.1:
            return outgoing.to_user(f"user-{90_000 + self._dice.below(1000)}"), []
        receivers = [each for each in room if each.client.user is chosen.client.user]
        return outgoing.to_user(chosen.client.user.name or chosen.id), receivers

    def _broadcast(self) -> None:
        """An app server tells everybody on the smallest hub, over any of its connections."""
        lines = [line for line in self._service.lines if line.hub == DASHBOARDS]
        everyone = [connection for line in lines for connection in line.clients]
        if lines and len(everyone) <= _MOST_BROADCAST:
            self._wire.send(self._dice.pick(lines), outgoing.broadcast(), everyone)
