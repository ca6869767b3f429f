"""Clients that are served without an app server, seen by the record that says so.

In Classic mode they are those who connect while all app servers are away; they stay serverless when those are back.
Source: "Troubleshoot methods for Azure SignalR Service" on Learn, ServerlessModeEntered in Classic mode.
"""

from __future__ import annotations

from bot.simulator.act import Act
from bot.simulator.service import ClientConnection
from bot.simulator.world import World


def begin(world: World, act: Act) -> None:
    """Note every client that enters from now on; what makes them enter is another fault, or the service's mode."""

    def started(connection: ClientConnection) -> None:
        if not connection.line.id:
            act.hit(connection.id)
            act.show(connection)

    world.service.on_started.append(started)
