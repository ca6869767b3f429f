"""Chat rooms: each is a group of a few clients, which their hub method adds them to when they connect."""

from __future__ import annotations

from collections.abc import Callable

from bot.simulator.chance import Dice
from bot.simulator.clock import Clock
from bot.simulator.messages import outgoing
from bot.simulator.messages.wire import Wire
from bot.simulator.population import CHAT, User
from bot.simulator.service import ClientConnection

# Those who left are forgotten when a message is sent, or when they become many.
_CROWD = 40
_JOIN_DELAY = 400


class Rooms:
    """Who is in which room, as the service knows it: a client is in once its join has arrived.

    `joins_otherwise` may take a join over, by returning True: then it is the caller's to `admit` the client.
    """

    def __init__(self, clock: Clock, wire: Wire, dice: Dice, size: int, diagnostic_permille: int = 0) -> None:
        self._clock = clock
        self._wire = wire
        self._dice = dice
        self._rooms: list[list[ClientConnection]] = [[] for _ in range(size)]
        self._room_of: dict[User, int] = {}
        self._diagnostic: dict[User, bool] = {}
        self._diagnostic_permille = diagnostic_permille
        self.joins_otherwise: Callable[[ClientConnection, int], bool] | None = None

    def __len__(self) -> int:
        return len(self._rooms)

    def enter(self, connection: ClientConnection) -> None:
        """Let a new client of the chat hub join its user's room, unless no app server serves it."""
        if connection.client.hub != CHAT or not connection.line.id:
            return
        number = self._number(connection)
        if self.joins_otherwise is None or not self.joins_otherwise(connection, number):
            self._clock.after(self._dice.below(_JOIN_DELAY), self.join, connection, number)

    def adopt(self, connection: ClientConnection) -> None:
        """Put a client that joined before the logs begin into its user's room."""
        if connection.client.hub == CHAT:
            self.admit(connection, self._number(connection))

    def join(self, connection: ClientConnection, number: int, trace: int | None = None) -> None:
        """Let the join of a client arrive, unless the client has gone; `trace` is an id that was taken before."""
        if connection.open:
            message = outgoing.join(connection.id, self.group(number))
            self._wire.send(connection.line, message, diagnostic=self.is_diagnostic(connection), trace=trace)
            self.admit(connection, number)

    def admit(self, connection: ClientConnection, number: int) -> None:
        room = self._rooms[number]
        room.append(connection)
        if len(room) > _CROWD:
            self.present(number)

    def leave(self, connection: ClientConnection, number: int) -> None:
        """Take a client out of a room and bring it back within the minute, as a page does that is looked away from."""
        message = outgoing.leave(connection.id, self.group(number))
        self._wire.send(connection.line, message, diagnostic=self.is_diagnostic(connection))
        self._rooms[number] = [each for each in self._rooms[number] if each is not connection]
        self._clock.after(self._dice.between(5_000, 55_000), self.join, connection, number)

    def present(self, number: int) -> list[ClientConnection]:
        """The connected members of a room."""
        room = self._rooms[number] = [each for each in self._rooms[number] if each.open]
        return room

    def group(self, number: int) -> str:
        return f"room-{number}"

    def is_diagnostic(self, connection: ClientConnection) -> bool:
        """Whether the connection is one of a diagnostic client: its user decides."""
        user = connection.client.user
        if self._diagnostic_permille and user not in self._diagnostic:
            self._diagnostic[user] = self._dice.below(1000) < self._diagnostic_permille
        return self._diagnostic.get(user, False)

    def diagnose(self, connection: ClientConnection) -> None:
        """Make the connection's user a diagnostic client from now on."""
        self._diagnostic[connection.client.user] = True

    def _number(self, connection: ClientConnection) -> int:
        # The number is drawn every time, so that who came before does not shift the draws.
        return self._room_of.setdefault(connection.client.user, self._dice.below(len(self._rooms)))
