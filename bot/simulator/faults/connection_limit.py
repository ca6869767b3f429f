"""A worker opens a connection for each piece of work and never closes one, until the quota is full."""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import SECOND
from bot.simulator.instances import REGIONS
from bot.simulator.population import NOTIFICATIONS, Client, Network, user
from bot.simulator.service import ClientConnection, Refused
from bot.simulator.world import World

_FULL_FOR = 90 * SECOND
_LONGEST_RAMP = 30 * 60 * SECOND
_EXIT_TIME = 2 * SECOND


def begin(world: World, act: Act) -> None:
    _Leak(world, act, min(act.room // 2, _LONGEST_RAMP)).step()


class _Leak:
    """The worker: it fills the headroom in about `ramp` ms, and is restarted 90 s after its first refusal."""

    def __init__(self, world: World, act: Act, ramp: int) -> None:
        self._world = world
        self._act = act
        self._dice: Dice = world.dice(act.stream)
        self._user = user("report-worker", Network("203.0.113.77", REGIONS[0]), "WebSockets", returns=False)
        self._interval = max(ramp * 4 // 5 // world.plan.headroom, 1)
        self._leaked: list[ClientConnection] = []
        self._restart_at: int | None = None
        world.service.on_refused.append(self._show)

    def step(self) -> None:
        """Leak one connection, or be refused one."""
        clock = self._world.clock
        if self._restart_at is not None and clock.now >= self._restart_at:
            for connection in self._leaked:
                clock.after(self._dice.below(_EXIT_TIME), self._close, connection)
            return
        match self._world.service.start_client(Client(self._user, NOTIFICATIONS)):
            case ClientConnection() as connection:
                self._leaked.append(connection)
            case Refused() if self._restart_at is None:
                self._restart_at = clock.now + _FULL_FOR
        clock.after(1 + self._dice.below(2 * self._interval), self.step)

    def _close(self, connection: ClientConnection) -> None:
        if connection.open:
            self._world.service.close_client(connection, events.ended())

    def _show(self, client: Client, refused: Refused) -> None:
        quota = self._world.service.quota
        note = f"refused: {quota} connections were open, which is the quota"
        telling = refused.aborted and client.user is not self._user
        self._world.examples.offer_refused(self._act.name, refused.id, client, telling, note)
