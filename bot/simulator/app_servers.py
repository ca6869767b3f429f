"""App servers: each keeps connections per hub to the service and replaces those it loses."""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND, Clock
from bot.simulator.instances import REGIONS
from bot.simulator.service import AppServer, ServerConnection, Service
from bot.simulator.setting import Servers

# The SDK doubles its wait from one second to a minute, and adds up to a second each time.
_BACK_OFF = (1, 2, 4, 8, 16, 32, 60)
_START_UP = 2 * SECOND


class AppServers:
    """`servers` are the processes that run now; one that stopped never comes back, another may take its place."""

    def __init__(self, clock: Clock, service: Service, dice: Dice, setting: Servers) -> None:
        self._clock = clock
        self._service = service
        self._dice = dice
        self._setting = setting
        self._addresses = dict.fromkeys(REGIONS, 0)
        regions = REGIONS[: setting.regions]
        self.servers = [
            self._process(region, self._address(region), setting.hubs)
            for place, region in enumerate(regions)
            for _ in range(len(range(place, setting.app_servers, len(regions))))
        ]

    def begin(self) -> None:
        """Connect every server for every hub; from then on lost connections are replaced."""
        for server in self.servers:
            self._connect_all(server)

    def add(self, region: str, address: str = "", hubs: Sequence[str] = (), weight: int = 1) -> AppServer:
        """Start one more process: at `address`, or a new one of the application's; for `hubs`, or all of them."""
        server = self._process(region, address or self._address(region), hubs or self._setting.hubs, weight)
        self.servers.append(server)
        self._connect_all(server)
        return server

    def sender(self, region: str, address: str, hub: str) -> AppServer:
        """A process beside the app servers whose connections are somebody else's to open, and only send."""
        return self._process(region, address, (hub,))

    def stop(self, server: AppServer) -> None:
        """End a process; its connections are the caller's to close."""
        server.up = False
        self.servers.remove(server)

    def replace(self, line: ServerConnection) -> None:
        """Open a new connection for one that was lost, after the SDK's wait."""
        self._retry(line.server, line.hub, 0)

    def lines(self, server: AppServer) -> list[ServerConnection]:
        """The open connections of a process."""
        return [line for line in self._service.lines if line.server is server]

    def _process(self, region: str, address: str, hubs: Sequence[str], weight: int = 1) -> AppServer:
        return AppServer(region, address, self._dice.bits(28) << 32, tuple(hubs), weight)

    def _address(self, region: str) -> str:
        number = self._addresses[region]
        self._addresses[region] += 1
        return f"203.0.113.{10 + 30 * REGIONS.index(region) + number}"

    def _connect_all(self, server: AppServer) -> None:
        for hub in server.hubs:
            for _ in range(self._setting.lines_per_hub):
                self._clock.after(self._dice.below(_START_UP), self._connect, server, hub, 0)

    def _retry(self, server: AppServer, hub: str, attempt: int) -> None:
        seconds = _BACK_OFF[min(attempt, len(_BACK_OFF) - 1)]
        self._clock.after(seconds * SECOND + self._dice.below(SECOND), self._connect, server, hub, attempt)

    def _connect(self, server: AppServer, hub: str, attempt: int) -> None:
        if not server.up:
            return
        if self._clock.now < server.cut_until or self._service.start_server(server, hub) is None:
            self._retry(server, hub, attempt + 1)
