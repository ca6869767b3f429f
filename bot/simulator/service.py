"""The service itself: instances, server connections, routing of clients, and the connection quota."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from bot.simulator import events
from bot.simulator.chance import Dice
from bot.simulator.clock import Clock
from bot.simulator.events import Event
from bot.simulator.instances import INSTANCES, Instance, region_of
from bot.simulator.population import Client
from bot.simulator.setting import Mode


@dataclass(slots=True, eq=False)
class AppServer:
    """One process of the application, with one address and its own series of tracing ids.

    It serves `hubs`. The service gives it clients by its `weight`; nothing reaches the service from it before
    `cut_until` (milliseconds).
    """

    region: str
    address: str
    trace_prefix: int
    hubs: tuple[str, ...]
    weight: int = 1
    up: bool = True
    cut_until: int = 0


@dataclass(slots=True, eq=False)
class ServerConnection:
    """An app server's line to one instance for one hub; it carries the clients routed to it.

    `opened_at` is in milliseconds since the start of the span. `clients` is an ordered set.
    """

    id: str
    server: AppServer
    hub: str
    instance: Instance
    opened_at: int
    clients: dict[ClientConnection, None] = field(default_factory=dict)
    open: bool = True

    @property
    def described(self) -> str:
        """The properties that every line about this connection ends with."""
        return f',"connectionType":"Server","transportType":"WebSockets","userId":null,"hub":"{self.hub}"'


@dataclass(slots=True, eq=False)
class ClientConnection:
    """A client's connection; all its traffic goes through `line`. `opened_at` is in milliseconds."""

    id: str
    client: Client
    line: ServerConnection
    opened_at: int
    described: str
    open: bool = True


@dataclass(frozen=True, slots=True)
class Refused:
    """A connection over the quota; `aborted` says whether it got as far as being logged as aborted."""

    id: str
    aborted: bool


class Log(Protocol):
    """Where records go."""

    def write(self, instance: Instance, event: Event, address: str, connection_id: str, who: str) -> None: ...


class Service:
    """Admits, routes and closes connections, and logs what it does.

    Server and client connections count towards `quota` together. Source: "Messages and connections in
    Azure SignalR Service" on Microsoft Learn.
    """

    def __init__(self, clock: Clock, journal: Log, dice: Dice, quota: int, mode: Mode = Mode.DEFAULT) -> None:
        self._clock = clock
        self.journal = journal
        self._dice = dice
        self._next_instance = 0
        self.quota = quota
        self.mode = mode
        self.instances = [Instance(number, region_of(number), f"{dice.bits(40):010x}") for number in range(INSTANCES)]
        self.lines: list[ServerConnection] = []
        self._routes: dict[tuple[str, str], list[ServerConnection]] = {}
        self._started = events.started()
        self._refused_as = events.aborted(events.COUNT_LIMIT)
        self.open_connections = 0
        self.client_connections = 0
        self.server_connections = 0
        # The records with which a client is turned away, if any; None lets it in.
        self.gate: Callable[[Client], Sequence[Event] | None] | None = None
        self.on_started: list[Callable[[ClientConnection], None]] = []
        self.on_refused: list[Callable[[Client, Refused], None]] = []
        self.on_client_closed: list[Callable[[ClientConnection, Event], None]] = []
        self.on_line_opened: list[Callable[[ServerConnection], None]] = []
        self.on_line_closed: list[Callable[[ServerConnection, Event], None]] = []

    def start_server(self, server: AppServer, hub: str, *, routed: bool = True) -> ServerConnection | None:
        """A new server connection; None when the quota has no room for it, or the mode takes none.

        Clients are routed to it unless it is one that only sends (`routed`).
        """
        if self.open_connections >= self.quota or self.mode is Mode.SERVERLESS:
            return None
        instance = self._next(server.region)
        line = ServerConnection(self._dice.guid(), server, hub, instance, self._clock.now)
        self.lines.append(line)
        if routed:
            self._routes.setdefault((hub, instance.region), []).extend([line] * server.weight)
        self.open_connections += 1
        self.server_connections += 1
        self.journal.write(instance, self._started, server.address, line.id, line.described)
        for heard in self.on_line_opened:
            heard(line)
        return line

    def start_client(self, client: Client) -> ClientConnection | Refused | None:
        """A new client connection, or its refusal; None when no server connection can take it."""
        network = client.user.network
        if self.open_connections >= self.quota:
            return self._refuse(client)
        if self.gate and (why := self.gate(client)) is not None:
            self.turn_away(client, *why)
            return None
        lines = self._routes.get((client.hub, network.region))
        unserved = self.mode is Mode.SERVERLESS or (self.mode is Mode.CLASSIC and not lines)
        if unserved:
            line = self._nobody(client)
        elif lines:
            line = self._dice.pick(lines)
        else:
            return None
        instance, described = line.instance, client.described
        connection = ClientConnection(self._id(instance), client, line, self._clock.now, described)
        line.clients[connection] = None
        network.connections[connection] = None
        self.open_connections += 1
        self.client_connections += 1
        self.journal.write(instance, self._started, network.address, connection.id, described)
        if unserved:
            self.journal.write(instance, events.entered_serverless(), network.address, connection.id, described)
        for heard in self.on_started:
            heard(connection)
        return connection

    def close_client(self, connection: ClientConnection, event: Event) -> None:
        """Close an open client connection and log why."""
        connection.open = False
        self.open_connections -= 1
        line, network = connection.line, connection.client.user.network
        del line.clients[connection]
        del network.connections[connection]
        self.journal.write(line.instance, event, network.address, connection.id, connection.described)
        for heard in self.on_client_closed:
            heard(connection, event)

    def move_client(self, connection: ClientConnection) -> bool:
        """Route a client through another server connection, without a record; False when there is none."""
        lines = self._routes.get((connection.client.hub, connection.line.instance.region))
        if not lines:
            return False
        del connection.line.clients[connection]
        connection.line = self._dice.pick(lines)
        connection.line.clients[connection] = None
        return True

    def close_server(self, line: ServerConnection, event: Event) -> None:
        """Close an open server connection and log why; its clients are the caller's to close."""
        line.open = False
        self.open_connections -= 1
        self.lines.remove(line)
        self.stop_routing(line)
        self.journal.write(line.instance, event, line.server.address, line.id, line.described)
        for heard in self.on_line_closed:
            heard(line, event)

    def stop_routing(self, line: ServerConnection) -> None:
        """Send no more clients through `line`."""
        key = line.hub, line.instance.region
        self._routes[key] = [each for each in self._routes.get(key, []) if each is not line]

    def turn_away(self, client: Client, *why: Event) -> str:
        """Log that a client was not let in; the id of the connection that never was."""
        network = client.user.network
        instance = self._next(network.region)
        connection_id = self._id(instance)
        for event in why:
            self.journal.write(instance, event, network.address, connection_id, client.described)
        return connection_id

    def _refuse(self, client: Client) -> Refused:
        # Some are refused when they negotiate; the rest hold a token already and are refused on connecting.
        aborted = self._dice.unit() < 0.5
        why = (events.throttled(), self._refused_as) if aborted else (events.throttled(),)
        refused = Refused(self.turn_away(client, *why), aborted)
        for heard in self.on_refused:
            heard(client, refused)
        return refused

    def _nobody(self, client: Client) -> ServerConnection:
        """What stands for a server connection where there is none: it is on one instance and in no log."""
        nobody = AppServer(client.user.network.region, "", 0, ())
        return ServerConnection("", nobody, client.hub, self._next(nobody.region), self._clock.now)

    def _next(self, region: str) -> Instance:
        """The instances of a region in turn, but for those that drain."""
        ready = [each for each in self.instances if each.region == region and not each.draining]
        self._next_instance += 1
        return ready[self._next_instance % len(ready)]

    def _id(self, instance: Instance) -> str:
        """22 URL-safe base64 characters and the instance's own ten: the shape of ids in public reports."""
        return urlsafe_b64encode(self._dice.bits(144).to_bytes(18, "big"))[:22].decode() + instance.suffix
