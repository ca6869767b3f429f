"""What the service logs, as the fixed parts of its JSON lines.

Fields and wordings as in the storage archive; sources: "Monitoring Azure SignalR Service data reference"
and "Monitor and troubleshoot Azure SignalR Service logs" on Microsoft Learn, public GitHub reports for
the texts around a reason. Operation names outside the Connection collection are not public: ours are
stand-ins, and so are the levels of aborts.
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache

from bot.simulator.instances import REGIONS

RESOURCE_ID = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG-DEMO"
    "/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/CHAT-PROD"
)
SERVICE_URL = "https://chat-prod.example.com"

PING_TIMEOUT = "Connection ping timeout"
SERVER_DROPPED = "Server connection dropped"
CLOSED_BY_APP = "Application server closed the connection"
COUNT_LIMIT = "Connection count reaches limit"
# Both wordings are in the field: the first is the older one, known from app-server logs.
RELOAD_SERVER = "Service reloading, please reconnect"
RELOAD_CLIENT = "Service reloading, try reconnecting"


def quoted(text: str | None) -> str:
    """`text` as JSON; None as null."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """The parts of a line that no connection changes.

    `heads` maps a region to the text from after the time up to the caller's address; `about` is the
    beginning of `properties`.
    """

    heads: dict[str, str]
    about: str


def _event(level: str, operation: str, kind: str, collection: str, message: str | None) -> Event:
    said = "" if message is None else f'"message":{quoted(message)},'
    return Event(
        {
            region: f',"level":"{level}","resourceId":"{RESOURCE_ID}","location":"{region}",'
            f'"category":"AllLogs","operationName":"{operation}","callerIpAddress":"'
            for region in REGIONS
        },
        f'","properties":{{"type":"{kind}","collection":"{collection}",{said}',
    )


@cache
def started() -> Event:
    return _event("Informational", "ConnectionStarted", "ConnectivityLogs", "Connection", "Connection started")


@cache
def ended() -> Event:
    """A goodbye; the service leaves its reason empty."""
    message = "Connection ended. Reason: "
    return _event("Informational", "ConnectionEnded", "ConnectivityLogs", "Connection", message)


@cache
def aborted(reason: str, error: str = "") -> Event:
    """An abort with one of the reasons above, and the app server's own error if it reported one."""
    level = "Informational" if reason in (RELOAD_CLIENT, RELOAD_SERVER) else "Warning"
    reported = f". Server reported error: {error}" if error else ""
    message = f"Connection aborted. Reason: {reason}{reported}"
    return _event(level, "ConnectionAborted", "ConnectivityLogs", "Connection", message)


@cache
def throttled() -> Event:
    return _event("Warning", "ConnectionThrottled", "ConnectivityLogs", "Throttling", COUNT_LIMIT)


@cache
def wrong_audience(expected: str, actual: str) -> Event:
    message = f"Failed to validate audience. Expected Audiences: {expected}. Actual Audiences: {actual}"
    return _event("Warning", "AuthorizationFailed", "ConnectivityLogs", "Authorization", message)


@cache
def message_received() -> Event:
    """A traced message reached the service; its text is written line by line."""
    return _event("Informational", "MessageReceived", "MessagingLogs", "Message", None)


@cache
def message_sent() -> Event:
    """A traced message left the service for one client; its text is written line by line."""
    return _event("Informational", "MessageSent", "MessagingLogs", "Message", None)
