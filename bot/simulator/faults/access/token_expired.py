"""An app that asks for a token once and keeps it: after an hour each new connection is refused.

How the service words this is not public. Source for the hour: "Use Azure SignalR Service" on Learn, access token
lifetime; for what is checked: `ClaimsUtility.cs` of the SDK.
"""

from __future__ import annotations

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.chance import Dice
from bot.simulator.clock import MINUTE, SECOND
from bot.simulator.service import ClientConnection
from bot.simulator.world import World

_SAYS = (
    "IDX10223: Lifetime validation failed. The token is expired. "
    "ValidTo (UTC): '{expiry}', Current time (UTC): '{now}'."
)


def begin(world: World, act: Act) -> None:
    """Some `clients` connect within `spread` minutes from now, each with a token that lives for `life` seconds.

    Their connections outlive it, since a WebSocket needs its token only to connect, and end within a quarter of an
    hour. Then the app tries the old token `tries` times, every `every` seconds. `says` is what the service writes;
    it may name {expiry} and {now}. The truth's size counts refusals.
    """
    dice = world.dice(act.stream)
    for _ in range(act.number("clients", 25)):
        world.clock.after(dice.below(act.number("spread", 20) * MINUTE), _Keeper(world, act, dice).connect)


class _Keeper:
    """One client with its one token."""

    def __init__(self, world: World, act: Act, dice: Dice) -> None:
        self._world = world
        self._act = act
        self._dice = dice
        self._client = world.population.newcomer()
        self._life = act.number("life", 3600) * SECOND
        self._tries = act.number("tries", 8)
        self._every = act.number("every", 20) * SECOND
        self._says = act.text("says", _SAYS)
        self._expires = 0

    def connect(self) -> None:
        clock = self._world.clock
        self._expires = clock.now + self._life
        match self._world.service.start_client(self._client):
            case ClientConnection() as connection:
                clock.after(self._life + self._dice.below(15 * MINUTE), self._end, connection)

    def _end(self, connection: ClientConnection) -> None:
        if connection.open:
            self._world.service.close_client(connection, events.ended())
        self._world.clock.after(SECOND + self._dice.below(SECOND), self._retry, self._tries)

    def _retry(self, left: int) -> None:
        if not left:
            return
        world = self._world
        expiry, now = world.moment(self._expires), world.moment(world.clock.now)
        text = self._says.format(expiry=f"{expiry:%m/%d/%Y %H:%M:%S}", now=f"{now:%m/%d/%Y %H:%M:%S}")
        self._act.hit(world.service.turn_away(self._client, events.unauthorized(text)))
        self._act.tell("hub", self._client.hub)
        if self._client.user.name:
            self._act.tell("user", self._client.user.name, first=True)
        world.clock.after(self._every + self._dice.below(2 * SECOND), self._retry, left - 1)
