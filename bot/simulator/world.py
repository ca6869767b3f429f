"""Everything that a fault can reach, wired together."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from datetime import datetime, timedelta
from pathlib import Path
from typing import TYPE_CHECKING

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.app_servers import AppServers
from bot.simulator.chance import Dice
from bot.simulator.clients import Clients
from bot.simulator.clock import SECOND, Clock
from bot.simulator.events import Event
from bot.simulator.examples import Examples
from bot.simulator.instances import Instance
from bot.simulator.journal import Journal, Noise
from bot.simulator.plan import Plan
from bot.simulator.population import Population
from bot.simulator.service import AppServer, ClientConnection, ServerConnection, Service
from bot.simulator.setting import Mode

if TYPE_CHECKING:
    from bot.simulator.messages.messaging import Messaging

_FALL_TIME = 3 * SECOND


class _Unlogged:
    """Where records go before the archive begins."""

    def write(self, instance: Instance, event: Event, address: str, connection_id: str, who: str) -> None:
        """Forget it."""


class World:
    """One service with its app servers and clients, at one moment of simulated time.

    The clock counts from `origin` (aware UTC); the archive begins `plan.unlogged` later. `messaging` is there when
    somebody sends messages. What is in `at_end` is called after the span.
    """

    def __init__(self, out: Path, plan: Plan, seed: int, noise: Noise | None = None) -> None:
        self._seed = seed
        self.out = out
        self.plan = plan
        self.origin = plan.start - timedelta(milliseconds=plan.unlogged)
        self.clock = Clock()
        self.journal = Journal(out, self.origin, self.clock, self.dice("pipeline"), noise)
        log = _Unlogged() if plan.unlogged else self.journal
        self.service = Service(self.clock, log, self.dice("service"), plan.quota, Mode(plan.servers.mode))
        self.app_servers = AppServers(self.clock, self.service, self.dice("app servers"), plan.servers)
        self.population = Population(self.dice("population"), plan.users, plan.habits, plan.servers)
        self.examples = Examples(self.clock, self.origin)
        self.clients = Clients(self.clock, self.service, self.population, plan, self.dice("clients"), self.examples)
        self.messaging: Messaging | None = None
        self.at_end: list[Callable[[], None]] = []

    def dice(self, name: str) -> Dice:
        """A stream of draws of its own: what one fault draws does not disturb another."""
        return Dice(self._seed, name)

    def moment(self, now: int) -> datetime:
        """The time (aware UTC) of a reading of the clock, in whole seconds as records have it."""
        return self.origin + timedelta(seconds=now // SECOND)

    def begin(self) -> None:
        self.app_servers.begin()
        if self.plan.unlogged:
            self.clock.after(self.plan.unlogged, self._open_the_log)
        # Clients find a server connection only once the app servers are up.
        self.clock.after(5 * SECOND, self.clients.begin)

    def run(self) -> None:
        """Let everything happen, then note who is still there."""
        self.clock.run(self.plan.total)
        for line in self.service.lines:
            for connection in line.clients:
                self.examples.offer_client("still-open", connection, "nothing has ended it in this archive")
        for finish in self.at_end:
            finish()
        self.journal.close()

    def drop(self, connection: ClientConnection, event: Event, act: Act, note: str = "") -> None:
        """Abort a client connection, unless it is gone already; the client comes back."""
        if connection.open:
            self.service.close_client(connection, event)
            act.hit(connection.id)
            act.show(connection)
            self.examples.offer_client(act.name, connection, note)
            self.clients.come_back(connection)

    def drop_line(self, line: ServerConnection, event: Event, act: Act) -> None:
        """Close a server connection, unless it is gone already; an app server that is up replaces it."""
        if line.open:
            self.service.close_server(line, event)
            act.seen()
            act.tell("line", line.id, first=True)
            if line.server.up:
                self.app_servers.replace(line)

    def lose_line(
        self,
        line: ServerConnection,
        event: Event,
        act: Act,
        dice: Dice,
        says: Event | None = None,
        within: int = _FALL_TIME,
    ) -> None:
        """Close a server connection, and in the next moments its clients: with `says`, or as dropped with it."""
        if not line.open:
            return
        self.drop_line(line, event, act)
        note = f"one of {len(line.clients)} clients routed to server connection {line.id}"
        ending = says or events.aborted(events.SERVER_DROPPED)
        for connection in line.clients:
            self.clock.after(dice.below(within), self.drop, connection, ending, act, note)

    def busiest_server(self, hub: str = "") -> AppServer:
        """The running app server with the most clients, of one hub or of all."""
        load = dict.fromkeys(self.app_servers.servers, 0)
        for line in self.service.lines:
            if line.server in load and hub in ("", line.hub):
                load[line.server] += len(line.clients)
        return max(load, key=load.__getitem__)

    def connections(self) -> Iterable[ClientConnection]:
        """The open client connections that go through a server connection."""
        return [connection for line in self.service.lines for connection in line.clients]

    def _open_the_log(self) -> None:
        self.service.journal = self.journal
        self.service.client_connections = self.service.server_connections = 0
