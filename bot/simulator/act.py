"""A fault while it happens: its parameters, and what it did, for whoever tells the truth afterwards."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import TYPE_CHECKING

from bot.simulator.clock import MINUTE, Clock

if TYPE_CHECKING:
    from bot.simulator.population import Client
    from bot.simulator.service import ClientConnection, Refused
    from bot.simulator.world import World

_NOTHING: Mapping[str, object] = MappingProxyType({})


class Act:
    """One fault of one archive.

    `name` is its own within the archive, `room` the milliseconds it may take, `round` how often it began before: 0 at
    first. `first` and `last` are when it left its
    first and last record (milliseconds of the clock; None: none so far), `size` how many client connections it hit,
    `facts` what only the run knows: ids, addresses, names. Parameters of the wrong type raise TypeError.
    """

    def __init__(self, name: str, clock: Clock, room: int, parameters: Mapping[str, object] = _NOTHING) -> None:
        self.name = name
        self.room = room
        self.round = 0
        self.first: int | None = None
        self.last: int | None = None
        self.facts: dict[str, str] = {}
        self._clock = clock
        self._parameters = parameters
        self._read: set[str] = set()
        self._hit: set[str] = set()
        self._shown = -1

    @property
    def stream(self) -> str:
        """The name of its dice: another one each time it begins."""
        return f"{self.name} {self.round}" if self.round else self.name

    @property
    def size(self) -> int:
        return len(self._hit)

    @property
    def unread(self) -> list[str]:
        """Parameters that the fault never asked for: most likely misspelt."""
        return sorted(set(self._parameters) - self._read)

    def number(self, key: str, default: int) -> int:
        value = self._value(key, default)
        if isinstance(value, bool) or not isinstance(value, int):
            raise TypeError(f"fault {self.name}: {key} is a whole number, not {value!r}")
        return value

    def text(self, key: str, default: str) -> str:
        value = self._value(key, default)
        if not isinstance(value, str):
            raise TypeError(f"fault {self.name}: {key} is a text, not {value!r}")
        return value

    def texts(self, key: str, default: tuple[str, ...]) -> tuple[str, ...]:
        value = self._value(key, default)
        if not isinstance(value, (list, tuple)) or not all(isinstance(each, str) for each in value):
            raise TypeError(f"fault {self.name}: {key} is a list of texts, not {value!r}")
        return tuple(value)

    def flag(self, key: str, default: bool) -> bool:
        value = self._value(key, default)
        if not isinstance(value, bool):
            raise TypeError(f"fault {self.name}: {key} is true or false, not {value!r}")
        return value

    def seen(self) -> None:
        """A record of this fault is written now."""
        self.last = self._clock.now
        if self.first is None:
            self.first = self.last

    def hit(self, connection_id: str) -> None:
        """A record of this fault is written now, about a client connection."""
        self.seen()
        self._hit.add(connection_id)

    def tell(self, key: str, value: str, *, first: bool = False) -> None:
        """Keep a fact; with `first` only when there is none yet under this key."""
        if not first or key not in self.facts:
            self.facts[key] = value

    def show(self, connection: ClientConnection) -> None:
        """Keep a client connection to ask about: a named user's before others, and one that lived for a while."""
        user = connection.client.user
        lived = self._clock.now - connection.opened_at >= MINUTE
        # An id that starts with a dash is real, but a poor thing to show on a command line.
        worth = 2 * bool(user.name) + lived + 2 * (connection.id[0] != "-")
        if worth > self._shown:
            self._shown = worth
            self.facts |= {"client": connection.id, "client_hub": connection.client.hub}
            if user.name:
                self.facts["user"] = user.name

    def refuse(self, client: Client, refused: Refused) -> None:
        """A record of this fault is written now, about a client that was not let in."""
        self.hit(refused.id)
        if refused.aborted and refused.id[0] != "-":
            self.tell("client", refused.id, first=True)
        if client.user.name:
            self.tell("user", client.user.name, first=True)

    def _value(self, key: str, default: object) -> object:
        self._read.add(key)
        return self._parameters.get(key, default)


Begin = Callable[["World", Act], None]
