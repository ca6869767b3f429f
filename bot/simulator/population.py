"""Who uses the service: networks, the users behind them, and the hubs they open."""

from __future__ import annotations

from bisect import bisect
from dataclasses import dataclass, field
from itertools import accumulate
from typing import TYPE_CHECKING

from bot.simulator.chance import Dice
from bot.simulator.events import quoted
from bot.simulator.instances import REGIONS

if TYPE_CHECKING:
    from bot.simulator.service import ClientConnection

CHAT, NOTIFICATIONS, DASHBOARDS = HUBS = ("chathub", "notifications", "dashboards")
# Ten places on a dial: a hub's share is how often it stands here.
_HUB_DIAL = (*[CHAT] * 6, *[NOTIFICATIONS] * 3, DASHBOARDS)
_TRANSPORT_DIAL = (*["WebSockets"] * 47, *["ServerSentEvents"] * 2, "LongPolling")


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

    def __init__(self, dice: Dice, size: int) -> None:
        self._dice = dice
        offices = [_office(number) for number in range(min(max(size // 40, 6), 500))]
        # A few large offices and many small ones.
        shares = list(accumulate(100_000 // (number + 3) for number in range(len(offices))))
        self.users = [self._user(number, offices, shares) for number in range(size)]

    def client(self) -> Client:
        """A page that some user opens on some hub."""
        return Client(self._dice.pick(self.users), self._dice.pick(_HUB_DIAL))

    def _user(self, number: int, offices: list[Network], shares: list[int]) -> User:
        dice = self._dice
        if dice.unit() < 0.6:
            network = offices[bisect(shares, dice.below(shares[-1]))]
        else:
            address = f"2001:db8:{dice.bits(16):x}:{number >> 8:x}::{(number & 255) + 1:x}"
            network = Network(address, dice.pick(REGIONS))
        return user(self._name(number), network, dice.pick(_TRANSPORT_DIAL), returns=dice.unit() < 0.92)

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


def _office(number: int) -> Network:
    block = "192.0.2" if number % 2 == 0 else "198.51.100"
    return Network(f"{block}.{number // 2 + 1}", REGIONS[1 if number % 3 == 2 else 0])
