"""What a scenario can choose about the service and its clients; the defaults are an ordinary day."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from types import MappingProxyType

CHAT, NOTIFICATIONS, DASHBOARDS = HUBS = ("chathub", "notifications", "dashboards")
JITTER, AT_ONCE, NEVER = RECONNECT = ("jitter", "at-once", "never")
_TRANSPORTS = MappingProxyType({"WebSockets": 94, "ServerSentEvents": 4, "LongPolling": 2})


class Mode(StrEnum):
    """The service's mode: whether clients need an app server. Source: "Service mode in Azure SignalR Service"."""

    DEFAULT = "default"
    CLASSIC = "classic"
    SERVERLESS = "serverless"


@dataclass(frozen=True, slots=True)
class Servers:
    """The service's mode and regions (1 or 2); the application's servers in all, hubs, and connections for each."""

    regions: int = 2
    app_servers: int = 4
    hubs: tuple[str, ...] = HUBS
    lines_per_hub: int = 5
    mode: str = Mode.DEFAULT.value


@dataclass(frozen=True, slots=True)
class Habits:
    """What clients are like.

    `reconnect` is how the app comes back after a drop: "jitter", "at-once" or "never"; `returns` is the percentage
    of users whose app comes back at all, `reloads` of those whose app gave up and who then load the page again.
    `behind_offices` is the percentage of users who share one of `offices` addresses (0: as many as fit their number).
    `transports` are percentages. Server-sent events and long polling end when their token is `token_minutes` old
    (0: never), with the reason `expired_says`: its text is not public.
    Source: "Troubleshooting guide for Azure SignalR Service" on Learn, client connection drops.
    """

    reconnect: str = JITTER
    returns: int = 92
    reloads: int = 0
    behind_offices: int = 60
    offices: int = 0
    transports: Mapping[str, int] = field(default_factory=lambda: _TRANSPORTS)
    token_minutes: int = 0
    expired_says: str = "Application server closed the connection"


@dataclass(frozen=True, slots=True)
class Strays:
    """How many of 1,000 connections end oddly on any day: a laptop sleeps, an app server loses patience."""

    stray_ping_timeouts: int = 6
    stray_closed_by_app: int = 3
