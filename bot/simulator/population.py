"""Who uses the service: networks, the users behind them, and the hubs they open."""

from __future__ import annotations

from bisect import bisect
from collections.abc import Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from bot.simulator.chance import Dice
from bot.simulator.events import quoted
from bot.simulator.instances import REGIONS
from bot.simulator.setting import CHAT, DASHBOARDS, HUBS, NOTIFICATIONS, Habits, Servers

if TYPE_CHECKING:
    from bot.simulator.service import ClientConnection

__all__ = ["CHAT", "DASHBOARDS", "HUBS", "NOTIFICATIONS", "Client", "Network", "Population", "User", "user"]

# Ten places on a dial: a hub's share is how often it stands here.
_HUB_DIAL = (*[CHAT] * 6, *[NOTIFICATIONS] * 3, DASHBOARDS)


@dataclass(slots=True, eq=False)
class Network:
    """Clients that reach the service from one address; while it is down nothing passes.

    `down_until` is in milliseconds since the start of the span. `connections` is an ordered set.
    """

    address: str
    region: str
    down_until: int = 0
    connections: dict[ClientConnection, None] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class User:
    """Somebody with a browser or an app. `name` is the user id; None and empty are both usual.

    `returns` says whether the app reconnects by itself after a drop; `described` are the properties that
    every line about this user holds.
    """

    name: str | None
    network: Network
    transport: str
    returns: bool
    described: str


@dataclass(slots=True, eq=False)
class Client:
    """One open page: it holds one connection at a time, to one hub, until it is closed at `until` (ms)."""

    user: User
    hub: str
    until: int = 0
    attempt: int = 0

    @property
    def described(self) -> str:
        """The properties that every line about this client ends with."""
        return f'{self.user.described},"hub":"{self.hub}"'


class Population:
    """Users, most of them several to an address, the rest alone at theirs."""

    def __init__(self, dice: Dice, size: int, habits: Habits, servers: Servers) -> None:
        self._dice = dice
        self._habits = habits
        self._regions = REGIONS[: servers.regions]
        self._hubs = [hub for hub in _HUB_DIAL if hub in servers.hubs]
        self._transports = [name for name, share in habits.transports.items() for _ in range(share)]
        count = habits.offices or min(max(size // 40, 6), 500)
        self._offices = [_office(number, self._regions) for number in range(count)]
        # A few large offices and many small ones.
        self._shares = list(accumulate(100_000 // (number + 3) for number in range(count)))
        self.users = [self._user(number) for number in range(size)]

    def client(self) -> Client:
        """A page that some user opens on some hub."""
        return Client(self._dice.pick(self.users), self._dice.pick(self._hubs))

    def newcomer(self) -> Client:
        """The first page of somebody who has not used the service before."""
        self.users.append(self._user(len(self.users)))
        return Client(self.users[-1], self._dice.pick(self._hubs))

    def networks(self) -> list[Network]:
        """Every network that users stand behind, once each."""
        return list({user.network: None for user in self.users})

    def _user(self, number: int) -> User:
        dice = self._dice
        if dice.unit() * 100 < self._habits.behind_offices:
            network = self._offices[bisect(self._shares, dice.below(self._shares[-1]))]
        else:
            address = f"2001:db8:{dice.bits(16):x}:{number >> 8:x}::{(number & 255) + 1:x}"
            network = Network(address, dice.pick(self._regions))
        returns = dice.unit() * 100 < self._habits.returns
        return user(self._name(number), network, dice.pick(self._transports), returns=returns)

    def _name(self, number: int) -> str | None:
        dial = self._dice.below(100)
        if dial < 6:
            return None
        if dial < 8:
            return ""
        return f"user-{number:05d}" if dial < 70 else f"user.{number:05d}@example.com"


def user(name: str | None, network: Network, transport: str, *, returns: bool) -> User:
    """A user, described."""
    described = f',"connectionType":"Client","transportType":"{transport}","userId":{quoted(name)}'
    return User(name, network, transport, returns, described)


def _office(number: int, regions: Sequence[str]) -> Network:
    block = "192.0.2" if number % 2 == 0 else "198.51.100"
    return Network(f"{block}.{number // 2 + 1}", regions[-1 if number % 3 == 2 else 0])
