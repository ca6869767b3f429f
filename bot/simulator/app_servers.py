"""App servers: each keeps five connections per hub to the service and replaces those it loses."""

from __future__ import annotations

from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND, Clock
from bot.simulator.instances import REGIONS
from bot.simulator.population import HUBS
from bot.simulator.service import AppServer, ServerConnection, Service

_LINES_PER_HUB = 5
_SERVERS_PER_REGION = 2
# The SDK doubles its wait from one second to a minute, and adds up to a second each time.
_BACK_OFF = (1, 2, 4, 8, 16, 32, 60)
_START_UP = 2 * SECOND


class AppServers:
    def __init__(self, clock: Clock, service: Service, dice: Dice) -> None:
        self._clock = clock
        self._service = service
        self._dice = dice
        self._servers = [
            AppServer(region, f"203.0.113.{10 * (place + 1) + number}", dice.bits(28) << 32)
            for place, region in enumerate(REGIONS)
            for number in range(_SERVERS_PER_REGION)
        ]

    def begin(self) -> None:
        """Connect every server for every hub; from then on lost connections are replaced."""
        for server in self._servers:
            for hub in HUBS:
                for _ in range(_LINES_PER_HUB):
                    self._clock.after(self._dice.below(_START_UP), self._connect, server, hub, 0)

    def replace(self, line: ServerConnection) -> None:
        """Open a new connection for one that was lost, after the SDK's wait."""
        self._retry(line.server, line.hub, 0)

    def _retry(self, server: AppServer, hub: str, attempt: int) -> None:
        seconds = _BACK_OFF[min(attempt, len(_BACK_OFF) - 1)]
        self._clock.after(seconds * SECOND + self._dice.below(SECOND), self._connect, server, hub, attempt)

    def _connect(self, server: AppServer, hub: str, attempt: int) -> None:
        if self._service.start_server(server, hub) is None:
            self._retry(server, hub, attempt + 1)
