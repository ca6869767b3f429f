"""The service itself: instances, server connections, routing of clients, and the connection quota."""

from __future__ import annotations

from base64 import urlsafe_b64encode
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.simulator import events
from bot.simulator.chance import Dice
from bot.simulator.clock import Clock
from bot.simulator.events import Event
from bot.simulator.instances import INSTANCES, Instance, region_of
from bot.simulator.journal import Journal
from bot.simulator.population import Client


@dataclass(frozen=True, slots=True, eq=False)
class AppServer:
    """One process of the application, with one address and its own series of tracing ids."""

    region: str
    address: str
    trace_prefix: int


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


def _unheard(*_: object) -> None:
    return None


class Service:
    """Admits, routes and closes connections, and logs what it does.

    Server and client connections count towards `quota` together. Source: "Messages and connections in
    Azure SignalR Service" on Microsoft Learn.
    """

    def __init__(self, clock: Clock, journal: Journal, dice: Dice, quota: int) -> None:
        self._clock = clock
        self._journal = journal
        self._dice = dice
        self._next_instance = 0
        self.quota = quota
        self.instances = [Instance(number, region_of(number), f"{dice.bits(40):010x}") for number in range(INSTANCES)]
        self.lines: list[ServerConnection] = []
        self._routes: dict[tuple[str, str], list[ServerConnection]] = {}
        self._started = events.started()
        self._refused_as = events.aborted(events.COUNT_LIMIT)
        self.open_connections = 0
        self.client_connections = 0
        self.server_connections = 0
        self.on_started: Callable[[ClientConnection], None] = _unheard
        self.on_refused: Callable[[Client, Refused], None] = _unheard

    def start_server(self, server: AppServer, hub: str) -> ServerConnection | None:
        """A new server connection; None when the quota has no room for it."""
        if self.open_connections >= self.quota:
            return None
        instance = self._next(server.region)
        line = ServerConnection(self._dice.guid(), server, hub, instance, self._clock.now)
        self.lines.append(line)
        self._routes.setdefault((hub, instance.region), []).append(line)
        self.open_connections += 1
        self.server_connections += 1
        self._journal.write(instance, self._started, server.address, line.id, line.described)
        return line

    def start_client(self, client: Client) -> ClientConnection | Refused | None:
        """A new client connection, or its refusal; None when no server connection can take it."""
        network = client.user.network
        if self.open_connections >= self.quota:
            return self._refuse(client)
        lines = self._routes.get((client.hub, network.region))
        if not lines:
            return None
        line = self._dice.pick(lines)
        instance, described = line.instance, client.described
        connection = ClientConnection(self._id(instance), client, line, self._clock.now, described)
        line.clients[connection] = None
        network.connections[connection] = None
        self.open_connections += 1
        self.client_connections += 1
        self._journal.write(instance, self._started, network.address, connection.id, described)
        self.on_started(connection)
        return connection

    def close_client(self, connection: ClientConnection, event: Event) -> None:
        """Close an open client connection and log why."""
        connection.open = False
        self.open_connections -= 1
        line, network = connection.line, connection.client.user.network
        del line.clients[connection]
        del network.connections[connection]
        self._journal.write(line.instance, event, network.address, connection.id, connection.described)

    def close_server(self, line: ServerConnection, event: Event) -> None:
        """Close an open server connection and log why; its clients are the caller's to close."""
        line.open = False
        self.open_connections -= 1
        self.lines.remove(line)
        self.stop_routing(line)
        self._journal.write(line.instance, event, line.server.address, line.id, line.described)

    def stop_routing(self, line: ServerConnection) -> None:
        """Send no more clients through `line`."""
        routes = self._routes[line.hub, line.instance.region]
        if line in routes:
            routes.remove(line)

    def turn_away(self, client: Client, *why: Event) -> str:
        """Log that a client was not let in; the id of the connection that never was."""
        network = client.user.network
        instance = self._next(network.region)
        connection_id = self._id(instance)
        for event in why:
            self._journal.write(instance, event, network.address, connection_id, client.described)
        return connection_id

    def _refuse(self, client: Client) -> Refused:
        # Some are refused when they negotiate; the rest hold a token already and are refused on connecting.
        aborted = self._dice.unit() < 0.5
        why = (events.throttled(), self._refused_as) if aborted else (events.throttled(),)
        refused = Refused(self.turn_away(client, *why), aborted)
        self.on_refused(client, refused)
        return refused

    def _next(self, region: str) -> Instance:
        """The instances of a region in turn, but for those that drain."""
        ready = [each for each in self.instances if each.region == region and not each.draining]
        self._next_instance += 1
        return ready[self._next_instance % len(ready)]

    def _id(self, instance: Instance) -> str:
        """22 URL-safe base64 characters and the instance's own ten: the shape of ids in public reports."""
        return urlsafe_b64encode(self._dice.bits(144).to_bytes(18, "big"))[:22].decode() + instance.suffix
