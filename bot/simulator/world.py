"""Everything that a scenario can reach, wired together."""

from __future__ import annotations

from pathlib import Path

from bot.simulator import events
from bot.simulator.app_servers import AppServers
from bot.simulator.chance import Dice
from bot.simulator.clients import Clients
from bot.simulator.clock import SECOND, Clock
from bot.simulator.events import Event
from bot.simulator.examples import Examples
from bot.simulator.journal import Journal
from bot.simulator.plan import Plan
from bot.simulator.population import Population
from bot.simulator.service import ClientConnection, ServerConnection, Service

_FALL_TIME = 3 * SECOND


class World:
    """One service with its app servers and clients, at one moment of simulated time."""

    def __init__(self, out: Path, plan: Plan, seed: int) -> None:
        self._seed = seed
        self.plan = plan
        self.clock = Clock()
        self.journal = Journal(out, plan.start, self.clock, self.dice("pipeline"))
        self.service = Service(self.clock, self.journal, self.dice("service"), plan.quota)
        self.app_servers = AppServers(self.clock, self.service, self.dice("app servers"))
        self.population = Population(self.dice("population"), plan.users)
        self.examples = Examples(self.clock, plan.start)
        self.clients = Clients(self.clock, self.service, self.population, plan, self.dice("clients"), self.examples)

    def dice(self, name: str) -> Dice:
        """A stream of draws of its own: what one scenario draws does not disturb another."""
        return Dice(self._seed, name)

    def begin(self) -> None:
        self.app_servers.begin()
        # Clients find a server connection only once the app servers are up.
        self.clock.after(5 * SECOND, self.clients.begin)

    def drop(self, connection: ClientConnection, event: Event, code: str, note: str) -> None:
        """Abort a client connection, unless it is gone already; the client comes back."""
        if connection.open:
            self.service.close_client(connection, event)
            self.examples.offer_client(code, connection, note)
            self.clients.come_back(connection)

    def drop_line(self, line: ServerConnection, event: Event) -> None:
        """Abort a server connection, unless it is gone already; the app server replaces it."""
        if line.open:
            self.service.close_server(line, event)
            self.app_servers.replace(line)

    def lose_line(self, line: ServerConnection, event: Event, code: str, dice: Dice) -> None:
        """Abort a server connection and, within seconds, every client routed to it."""
        self.drop_line(line, event)
        note = f"one of {len(line.clients)} clients routed to server connection {line.id}"
        for connection in line.clients:
            self.clock.after(
                dice.below(_FALL_TIME),
                self.drop,
                connection,
                events.aborted(events.SERVER_DROPPED),
                code,
                note,
            )

    def end(self) -> None:
        """Note who is still there."""
        for line in self.service.lines:
            for connection in line.clients:
                self.examples.offer_client("still-open", connection, "nothing has ended it in this archive")
