"""Tokens that the service refuses: a wrong audience, an unknown key, or for a reason it says in its own words."""

from __future__ import annotations

from collections.abc import Sequence

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import SECOND
from bot.simulator.events import Event
from bot.simulator.faults.access.audiences import mistaken
from bot.simulator.population import Client
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """For `seconds` (0: to the end) the service refuses `share` thousandths of the new connections.

    That share is the one of the app servers that mint bad tokens: a client whose next token comes from another
    server gets in. `hub` and `only_office` narrow it down. `mistake` is one in the audience; with `says` the
    service writes that text instead. The truth's size counts refusals.
    """
    fault = _Refusals(world, act)
    world.service.gate = fault.turn_away
    if lasts := act.number("seconds", 0) * SECOND:
        world.clock.after(lasts, fault.stop)


class _Refusals:
    def __init__(self, world: World, act: Act) -> None:
        self._world = world
        self._act = act
        self._refused = 0
        self._dice = world.dice(act.stream)
        self._share = act.number("share", 1000)
        self._hub = act.text("hub", "")
        self._mistake = act.text("mistake", "other-host")
        self._says = act.text("says", "")
        self._address = self._busiest_address() if act.flag("only_office", False) else ""

    def turn_away(self, client: Client) -> Sequence[Event] | None:
        """The row about a client that is not let in; None for one that is."""
        if self._hub not in ("", client.hub) or self._address not in ("", client.user.network.address):
            return None
        if self._dice.below(1000) >= self._share:
            return None
        self._refused += 1
        self._act.hit(f"refusal {self._refused}")
        self._act.tell("hub", client.hub)
        if self._address:
            self._act.tell("address", self._address)
        if client.user.name:
            self._act.tell("user", client.user.name, first=True)
        if self._says:
            return (events.unauthorized(self._says),)
        return (events.wrong_audience(*mistaken(self._mistake, "client", client.hub)),)

    def stop(self) -> None:
        self._world.service.gate = None

    def _busiest_address(self) -> str:
        return max(self._world.population.networks(), key=lambda network: len(network.connections)).address
