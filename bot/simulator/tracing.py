"""Message tracing on one hub for a while, as "collect all" shows it.

Only messages from an app server appear then, with two rows of the documented four: reaching the service
and leaving it for each client. Source: "Monitor and troubleshoot Azure SignalR Service logs" on Learn.
"""

from __future__ import annotations

from collections import defaultdict

from bot.simulator import events
from bot.simulator.events import Event, quoted
from bot.simulator.population import CHAT, User
from bot.simulator.service import AppServer, ClientConnection, ServerConnection
from bot.simulator.world import World

_ROOMS_PER_CLIENT = 6
# Those who left are forgotten when a message is sent, or when they become many.
_CROWD = 40
_ROWS_PER_MESSAGE = 4
_JOIN_DELAY = 400
_TRANSIT = 120


def schedule(world: World) -> None:
    """Switch tracing on for a quarter of the span, somewhere in its middle."""
    dice = world.dice("tracing window")
    quarter = world.plan.span // 4
    tracing = _Tracing(world, quarter)
    world.service.on_started = tracing.join
    world.clock.after(quarter + dice.below(quarter), tracing.switch_on)


class _Tracing:
    """Chat rooms of a few clients each, and the messages sent in them while tracing is on."""

    def __init__(self, world: World, lasts: int) -> None:
        self._world = world
        self._dice = world.dice("tracing")
        self._lasts = lasts
        self._until = 0
        self._messages = max(world.plan.traced_rows // _ROWS_PER_MESSAGE, 1)
        self._rooms: list[list[ClientConnection]] = [
            [] for _ in range(max(world.plan.already_there // _ROOMS_PER_CLIENT, 2))
        ]
        self._room_of: dict[User, int] = {}
        self._sent: defaultdict[AppServer, int] = defaultdict(int)

    def switch_on(self) -> None:
        self._until = self._world.clock.now + self._lasts
        self._send()

    def join(self, connection: ClientConnection) -> None:
        """Let a new client of the chat hub join its user's room."""
        if connection.client.hub != CHAT:
            return
        user = connection.client.user
        number = self._room_of.setdefault(user, self._dice.below(len(self._rooms)))
        room = self._rooms[number]
        room.append(connection)
        if len(room) > _CROWD:
            self._present(number)
        if self._world.clock.now < self._until:
            self._world.clock.after(self._dice.below(_JOIN_DELAY), self._joined, connection, number)

    def _present(self, number: int) -> list[ClientConnection]:
        room = self._rooms[number] = [each for each in self._rooms[number] if each.open]
        return room

    def _joined(self, connection: ClientConnection, number: int) -> None:
        if connection.open:
            self._receive(connection.line, "JoinGroupWithAckMessage", self._group(number))

    def _send(self) -> None:
        clock, dice = self._world.clock, self._dice
        if clock.now >= self._until:
            return
        number = dice.below(len(self._rooms))
        room = self._present(number)
        if room:
            line = dice.pick(room).line
            if dice.unit() < 0.7:
                trace = self._receive(line, "GroupBroadcastDataMessage", self._group(number))
                receivers = room
            else:
                trace = self._receive(line, "UserDataMessage", "")
                # The user may have gone: then the message has no receiver and no second row.
                receivers = [dice.pick(room)] if dice.unit() < 0.9 else []
            for connection in receivers:
                clock.after(1 + dice.below(_TRANSIT), self._deliver, connection, trace)
        clock.after(1 + dice.below(2 * max(self._lasts // self._messages, 1)), self._send)

    def _receive(self, line: ServerConnection, kind: str, more: str) -> int:
        """Log a message from the app server that owns `line`; its tracing id."""
        server = line.server
        trace = server.trace_prefix | self._sent[server]
        self._sent[server] += 1
        text = f"Received a {kind} message {trace} from server connection {line.id}."
        self._log(
            line,
            events.message_received(),
            server.address,
            line.id,
            f'{line.described},"messageType":"{kind}"{more}',
            text,
            trace,
        )
        return trace

    def _deliver(self, connection: ClientConnection, trace: int) -> None:
        if connection.open:
            text = f"Sent a message {trace} to client connection {connection.id} successfully."
            address = connection.client.user.network.address
            self._log(
                connection.line,
                events.message_sent(),
                address,
                connection.id,
                connection.described,
                text,
                trace,
            )

    def _log(
        self,
        line: ServerConnection,
        event: Event,
        address: str,
        connection_id: str,
        who: str,
        text: str,
        trace: int,
    ) -> None:
        said = f',"message":{quoted(text)},"messageTracingId":{trace}'
        self._world.journal.write(line.instance, event, address, connection_id, who + said)

    def _group(self, number: int) -> str:
        return f',"groupName":"room-{number}"'
