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
MESSAGE_LIMIT = "Message count reaches limit"
# Both wordings are in the field: the first is the older one, known from app-server logs.
RELOAD_SERVER = "Service reloading, please reconnect"
RELOAD_CLIENT = "Service reloading, try reconnecting"

CONNECTION, AUTHORIZATION, THROTTLING, MESSAGE = FAMILIES = ("Connection", "Authorization", "Throttling", "Message")


def quoted(text: str | None) -> str:
    """`text` as JSON; None as null."""
    return json.dumps(text, ensure_ascii=False)


@dataclass(frozen=True, slots=True, eq=False)
class Event:
    """The parts of a line that no connection changes.

    `family` is its collection. `heads` maps a region to the text from after the time up to the caller's
    address; `about` is the beginning of `properties`. `reason` is why a connection closed.
    """

    family: str
    heads: dict[str, str]
    about: str
    reason: str = ""


def _event(level: str, operation: str, family: str, message: str | None, reason: str = "") -> Event:
    said = "" if message is None else f'"message":{quoted(message)},'
    kind = "MessagingLogs" if family == MESSAGE else "ConnectivityLogs"
    return Event(
        family,
        {
            region: f',"level":"{level}","resourceId":"{RESOURCE_ID}","location":"{region}",'
            f'"category":"AllLogs","operationName":"{operation}","callerIpAddress":"'
            for region in REGIONS
        },
        f'","properties":{{"type":"{kind}","collection":"{family}",{said}',
        reason,
    )


@cache
def started() -> Event:
    return _event("Informational", "ConnectionStarted", CONNECTION, "Connection started")


@cache
def ended() -> Event:
    """A goodbye; the service leaves its reason empty."""
    return _event("Informational", "ConnectionEnded", CONNECTION, "Connection ended. Reason: ")


@cache
def aborted(reason: str, error: str = "") -> Event:
    """An abort with one of the reasons above, and the app server's own error if it reported one."""
    level = "Informational" if reason in (RELOAD_CLIENT, RELOAD_SERVER) else "Warning"
    reported = f". Server reported error: {error}" if error else ""
    message = f"Connection aborted. Reason: {reason}{reported}"
    return _event(level, "ConnectionAborted", CONNECTION, message, reason)


@cache
def entered_serverless() -> Event:
    return _event("Informational", "ServerlessModeEntered", CONNECTION, "Entered Serverless mode.")


@cache
def throttled(text: str = COUNT_LIMIT) -> Event:
    """A refusal because of a limit; the texts of other limits than the two above are not public."""
    return _event("Warning", "ConnectionThrottled", THROTTLING, text)


@cache
def wrong_audience(expected: str, actual: str) -> Event:
    return unauthorized(f"Failed to validate audience. Expected Audiences: {expected}. Actual Audiences: {actual}")


@cache
def unauthorized(text: str) -> Event:
    """A refusal for any other reason; only the text of a wrong audience is public."""
    return _event("Warning", "AuthorizationFailed", AUTHORIZATION, text)


@cache
def message_received() -> Event:
    """A traced message reached the service; its text is written line by line."""
    return _event("Informational", "MessageReceived", MESSAGE, None)


@cache
def message_sent() -> Event:
    """A traced message left the service for one connection; its text is written line by line."""
    return _event("Informational", "MessageSent", MESSAGE, None)


@cache
def message_failed() -> Event:
    """A warning about a traced message: such rows exist, their wording is not public."""
    return _event("Warning", "MessageFailed", MESSAGE, None)
