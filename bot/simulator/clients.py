"""What clients do: come, stay, leave, and come back after a drop."""

from __future__ import annotations

from collections.abc import Callable

from bot.simulator import events
from bot.simulator.chance import Dice
from bot.simulator.clock import MINUTE, SECOND, Clock
from bot.simulator.events import Event
from bot.simulator.examples import Examples
from bot.simulator.plan import NEXT_PAGE_SHARE, Plan
from bot.simulator.population import Client, Population
from bot.simulator.service import ClientConnection, Service
from bot.simulator.setting import AT_ONCE, NEVER

# SignalR clients wait this long before each try of "automatic reconnect", then give up.
_RETRY_DELAYS = (0, 2 * SECOND, 10 * SECOND, 30 * SECOND)
_RETRY_JITTER = 4 * SECOND
_NEXT_PAGE_DELAY = (SECOND, 4 * SECOND)
# How long a page stays open, in thousandths of the mean: many short visits, a few that last all day.
_STAY = (5, 40, 80, 130, 190, 260, 340, 440, 560, 700, 870, 1080, 1350, 1720, 2280, 3300, 6000)
_BACK_AFTER_OUTAGE = 20 * SECOND
_RELOAD_AFTER = (30 * SECOND, 120 * SECOND)


class Clients:
    """The clients of the service and their reconnect policy."""

    def __init__(
        self,
        clock: Clock,
        service: Service,
        population: Population,
        plan: Plan,
        dice: Dice,
        examples: Examples,
    ) -> None:
        self._clock = clock
        self._service = service
        self._population = population
        self._plan = plan
        self._dice = dice
        self._examples = examples
        self._token_life = plan.habits.token_minutes * MINUTE
        self._expired_as = events.aborted(plan.habits.expired_says)
        self.on_expired: list[Callable[[ClientConnection], None]] = []

    def begin(self) -> None:
        """Fill the service with its usual clients, then let others come as the day goes."""
        for _ in range(self._plan.already_there):
            self._clock.after(self._dice.below(self._plan.warm_up), self._arrive)
        self._minute(0)

    def come_back(self, connection: ClientConnection) -> None:
        """Reconnect as the client's policy says, after a connection was lost."""
        client = connection.client
        if client.user.returns and self._plan.habits.reconnect != NEVER:
            client.attempt = 0
            self._retry(client)

    def visit(self, client: Client) -> None:
        """Let a page be opened now, beyond the usual ones."""
        self._open(client)

    def _minute(self, minute: int) -> None:
        for _ in range(self._plan.arrivals(minute)):
            self._clock.after(self._dice.below(MINUTE), self._arrive)
        self._clock.after(MINUTE, self._minute, minute + 1)

    def _arrive(self) -> None:
        self._open(self._population.client())

    def _open(self, client: Client) -> None:
        """Open a page: a stay of its own, and a first try to connect."""
        client.until = self._clock.now + SECOND + self._dice.spread(_STAY, self._plan.mean_stay)
        client.attempt = 0
        self._connect(client)

    def _connect(self, client: Client) -> None:
        now = self._clock.now
        if now >= client.until:
            return
        network = client.user.network
        if network.down_until > now:
            wait = network.down_until - now + self._dice.below(_BACK_AFTER_OUTAGE)
            self._clock.after(wait, self._connect, client)
            return
        match self._service.start_client(client):
            case ClientConnection() as connection:
                client.attempt = 0
                self._clock.after(client.until - now, self._leave, connection)
                if self._token_life and client.user.transport != "WebSockets":
                    self._clock.after(self._token_life, self._expire, connection)
            case _:
                self._retry(client)

    def _retry(self, client: Client) -> None:
        habits = self._plan.habits
        if client.attempt < len(_RETRY_DELAYS):
            jitter = 0 if habits.reconnect == AT_ONCE else self._dice.below(_RETRY_JITTER)
            delay = _RETRY_DELAYS[client.attempt] + jitter
            client.attempt += 1
            self._clock.after(delay, self._connect, client)
        elif habits.reloads and self._dice.unit() * 100 < habits.reloads:
            client.attempt = 0
            self._clock.after(self._dice.between(*_RELOAD_AFTER), self._connect, client)

    def _leave(self, connection: ClientConnection) -> None:
        """The page is closed. A client behind a dead network leaves without a word."""
        client = connection.client
        if not connection.open or client.user.network.down_until > self._clock.now:
            return
        self._service.close_client(connection, self._goodbye())
        self._examples.offer_client("healthy", connection, "the page was closed: a normal goodbye")
        if self._dice.unit() < NEXT_PAGE_SHARE:
            self._clock.after(self._dice.between(*_NEXT_PAGE_DELAY), self._open, client)

    def _expire(self, connection: ClientConnection) -> None:
        """The token is too old for the next request: the service ends the connection, the app asks for a new one."""
        if connection.open:
            self._service.close_client(connection, self._expired_as)
            for heard in self.on_expired:
                heard(connection)
            self.come_back(connection)

    def _goodbye(self) -> Event:
        """Nearly always a proper end; now and then a laptop sleeps or the app server loses patience."""
        strays = self._plan.strays
        dial = self._dice.below(1000)
        if dial < strays.stray_ping_timeouts:
            return events.aborted(events.PING_TIMEOUT)
        if dial < strays.stray_ping_timeouts + strays.stray_closed_by_app:
            return events.aborted(events.CLOSED_BY_APP)
        return events.ended()
