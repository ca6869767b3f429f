"""The way of a message, leg by leg, and what each leg leaves in the logs.

Legs 1 and 2 take a client's message through the service to its app server, 3 and 4 an app server's message
through the service to each client. Source: "Monitor and troubleshoot Azure SignalR Service logs" on Learn.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Sequence
from enum import StrEnum

from bot.simulator import events
from bot.simulator.chance import Dice
from bot.simulator.clock import Clock
from bot.simulator.events import Event, quoted
from bot.simulator.journal import Journal
from bot.simulator.messages.app_log import AppLog
from bot.simulator.messages.outgoing import Outgoing
from bot.simulator.service import AppServer, ClientConnection, ServerConnection

_TRANSIT = 120
_TO_SERVER = 30
# The ids that the service makes follow no public pattern; they are large.
_SERVICE_ID_BITS = 61


class Collect(StrEnum):
    """Whose messages are logged: what app servers send, only what diagnostic clients cause, or none."""

    ALL = "all"
    DIAGNOSTIC = "diagnostic"
    OFF = "off"


class Lost(StrEnum):
    """Where a message gets lost."""

    BEFORE_SERVICE = "before-service"
    IN_SERVICE = "in-service"
    IN_SERVICE_FROM_CLIENT = "in-service-from-client"
    BEFORE_SERVER = "before-server"


# Who of a message's receivers misses it, from its tracing id, its group and them; None when nothing is lost.
Loses = Callable[[int, str, Sequence[ClientConnection]], Sequence[ClientConnection] | None]


class Wire:
    """Carries messages and logs those that are traced.

    `losing` says which messages get lost where; with `warns` the service logs a warning for each that it loses.
    """

    def __init__(self, clock: Clock, journal: Journal, dice: Dice, app_log: AppLog | None = None) -> None:
        self._clock = clock
        self._journal = journal
        self._dice = dice
        self._app_log = app_log
        self._sent: defaultdict[AppServer, int] = defaultdict(int)
        self.collect = Collect.OFF
        self.losing: dict[Lost, Loses] = {}
        self.warns = False

    def next_id(self, server: AppServer) -> int:
        """The tracing id of the server's next message: its own prefix above a counter of 32 bits."""
        trace = server.trace_prefix | self._sent[server]
        self._sent[server] += 1
        return trace

    def send(
        self,
        line: ServerConnection,
        message: Outgoing,
        receivers: Sequence[ClientConnection] = (),
        *,
        diagnostic: bool = False,
        trace: int | None = None,
    ) -> int | None:
        """Send a message from an app server over `line`; its tracing id, None when it is not traced.

        `diagnostic` is whether a diagnostic client caused it. `trace` is an id that was taken before.
        """
        if self.collect is Collect.OFF or (self.collect is Collect.DIAGNOSTIC and not diagnostic):
            return None
        if trace is None:
            trace = self.next_id(line.server)
        if self._app_log:
            self._app_log.sending(trace, message)
            self._app_log.sent(trace)
        if self._missed(Lost.BEFORE_SERVICE, trace, message.group, receivers) is not None:
            return trace
        text = f"Received a {message.kind} message {trace} from server connection {line.id}."
        group = f',"groupName":{quoted(message.group)}' if message.group else ""
        more = f'"messageType":"{message.kind}"{group}'
        self._log_at_server(line, events.message_received(), f",{more}", text, trace)
        missed = self._missed(Lost.IN_SERVICE, trace, message.group, receivers)
        if missed is not None:
            receivers = [each for each in receivers if each not in missed]
            if self.warns:
                failed = f"Failed to deliver message {trace}."
                self._log_at_server(line, events.message_failed(), "", failed, trace)
        for connection in receivers:
            self._clock.after(1 + self._dice.below(_TRANSIT), self._deliver, connection, trace)
        return trace

    def invoke(self, connection: ClientConnection, method: Callable[[], object]) -> int | None:
        """Let a diagnostic client call a hub's `method`; the message's tracing id, None when it is not traced.

        The method runs on the app server a little later, unless the message gets lost.
        """
        traced = self.collect is not Collect.OFF
        trace = 1 << _SERVICE_ID_BITS | self._dice.bits(_SERVICE_ID_BITS)
        line = connection.line
        if traced:
            text = f"Received a message {trace} from client connection {connection.id}."
            self._log_at_client(connection, events.message_received(), text, trace)
        if self._missed(Lost.IN_SERVICE_FROM_CLIENT, trace, "", ()) is not None:
            return trace
        if traced:
            text = f"Sent a message {trace} to server connection {line.id} successfully."
            self._log_at_server(line, events.message_sent(), "", text, trace)
        if self._missed(Lost.BEFORE_SERVER, trace, "", ()) is None:
            self._clock.after(1 + self._dice.below(_TO_SERVER), self._arrive, connection, trace, method)
        return trace if traced else None

    def _arrive(self, connection: ClientConnection, trace: int, method: Callable[[], object]) -> None:
        if self._app_log and self.collect is not Collect.OFF:
            self._app_log.received(trace, connection.id)
        method()

    def _missed(
        self, where: Lost, trace: int, group: str, receivers: Sequence[ClientConnection]
    ) -> Sequence[ClientConnection] | None:
        return self.losing[where](trace, group, receivers) if where in self.losing else None

    def _deliver(self, connection: ClientConnection, trace: int) -> None:
        if connection.open:
            text = f"Sent a message {trace} to client connection {connection.id} successfully."
            self._log_at_client(connection, events.message_sent(), text, trace)

    def _log_at_server(self, line: ServerConnection, event: Event, more: str, text: str, trace: int) -> None:
        who = f'{line.described}{more},"message":{quoted(text)},"messageTracingId":{trace}'
        self._journal.write(line.instance, event, line.server.address, line.id, who)

    def _log_at_client(self, connection: ClientConnection, event: Event, text: str, trace: int) -> None:
        address = connection.client.user.network.address
        who = f'{connection.described},"message":{quoted(text)},"messageTracingId":{trace}'
        self._journal.write(connection.line.instance, event, address, connection.id, who)
