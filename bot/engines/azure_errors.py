"""What Log Analytics refuses, and how it fails, as the bot's own errors with a next step.

Nothing of the query is repeated: a service's message may quote it, and with it what a person typed.
Only error codes, positions and names of tables and columns are taken from an answer.

Sources: Azure Monitor Logs API, "Errors" and "Azure resource queries"; "Service limits, log queries";
Azure SDK for Python, azure-monitor-query, "Troubleshooting".
"""

from __future__ import annotations

import json
import re
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from math import ceil
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from azure.core.exceptions import IncompleteReadError, ServiceRequestTimeoutError

from bot.engines.azure_answers import chain, reasons
from bot.engines.azure_credentials import causes
from bot.errors import (
    AccessDenied,
    EngineError,
    EngineTimeout,
    LogsNotEnabled,
    Throttled,
    UnsupportedKql,
)
from bot.settings import Settings

TABLE = "SignalRServiceDiagnosticLogs"
NARROW = "Ask about a narrower window, for example 30m, and try again."
SWITCH_LOGS_ON = (
    "In the portal open the SignalR resource: tick the logs under Log Source Settings, then under "
    "Diagnostic settings send AllLogs to the workspace. The first records arrive after about 10 minutes. "
    "If logs are on, the bot's identity may lack the role Log Analytics Reader on the workspace."
)
_UNRESOLVED = re.compile(r"(?:named|entity) '([A-Za-z_]\w{0,127})'", re.ASCII)
_CODE = re.compile(r"[A-Za-z0-9_.]{1,60}\Z", re.ASCII)
_NAMED_CODE = re.compile(r"\b(?:SEM|SYN)\d{4}\b", re.ASCII)
_KQL_CODE = re.compile(r"(?:(?:sem|syn)\d{4}|semanticerror|syntaxerror)\Z", re.ASCII)
_TOKEN_CODES = {
    "authenticationfailed",
    "invalidauthenticationtoken",
    "invalidauthenticationtokenaudience",
    "invalidtokenerror",
}
_TOO_HEAVY = ("e_runaway_query", "too complex", "low memory condition", "e_low_memory")


class Again(Enum):
    """Whether the same request is worth sending again."""

    NEVER = auto()
    BRIEFLY = auto()
    WHEN_TOLD = auto()


@dataclass(frozen=True, slots=True)
class Failure:
    """One failed attempt: what to tell the person, and whether another may do better.

    `after_seconds` is the wait that the service asked for, None when it named none.
    """

    error: EngineError
    again: Again = Again.NEVER
    after_seconds: float | None = None
    cause: BaseException | None = None


@dataclass(frozen=True, slots=True)
class Scope:
    """What was asked: one workspace, or one SignalR resource and the workspaces behind it."""

    settings: Settings
    by_workspace: bool

    @property
    def host(self) -> str:
        return urlsplit(self.settings.logs_endpoint).hostname or self.settings.logs_endpoint


def refused(status: int, headers: Mapping[str, str], body: bytes, scope: Scope, now: datetime | None = None) -> Failure:
    """The failure behind an answer whose status is not 200, whatever its body holds."""
    error = _error_object(body)
    levels = list(chain(error))
    codes = _codes(levels)
    after = retry_after_seconds(headers, now or datetime.now(UTC))
    if status == 429:
        return Failure(_throttled(after), Again.WHEN_TOLD, after)
    if status in (500, 502, 503):
        return Failure(_unwell(status, bool(error), scope), Again.BRIEFLY, after)
    return Failure(_by_code(status, codes, levels, body, scope))


def without_tables(error: Mapping[str, Any], scope: Scope) -> Failure:
    """The failure behind a 200 that holds an error and no table."""
    levels = list(chain(error))
    codes = _codes(levels)
    if known := _known(200, codes, levels, json.dumps(error).lower(), scope):
        return Failure(known)
    why = next(iter(reasons(error)), "it gave no reason.")
    return Failure(EngineError(f"The log store could not finish the query: {why}", NARROW))


def unreadable(body: bytes, scope: Scope, cause: BaseException | None = None) -> Failure:
    """The failure behind a 200 that is no answer of the Log Analytics API."""
    if not body.strip():
        what = "an empty answer"
    elif body.lstrip()[:1] == b"<":
        what = "a web page instead of an answer"
    else:
        what = "something that is not an answer of the Log Analytics API"
    return Failure(EngineError(f"{scope.host} sent {what}.", _endpoint_hint()), cause=cause)


def unreached(error: BaseException, scope: Scope) -> Failure:
    """The failure behind an exception: no answer came, or only a piece of one."""
    host, behind = scope.host, list(causes(error))

    def any_is(*kinds: type[BaseException]) -> bool:
        return any(isinstance(cause, kinds) for cause in behind)

    if any_is(ssl.SSLCertVerificationError):
        return Failure(
            EngineError(
                f"{host} showed a TLS certificate that the bot does not trust.",
                "Behind a proxy with its own CA set SIGNALR_BOT_CA_BUNDLE to the file that holds it.",
            ),
            cause=error,
        )
    if any_is(aiohttp.ClientSSLError):
        hint = "Check that SIGNALR_BOT_LOGS_ENDPOINT names an https port; for a proxy with its own CA set "
        words = EngineError(f"No TLS connection to {host} could be made.", hint + "SIGNALR_BOT_CA_BUNDLE.")
        return Failure(words, cause=error)
    if any_is(aiohttp.ClientProxyConnectionError, aiohttp.ClientHttpProxyError):
        words = EngineError(
            f"The proxy on the way to {host} could not be used.",
            "Check HTTPS_PROXY and NO_PROXY in the bot's environment.",
        )
        return Failure(words, Again.BRIEFLY, cause=error)
    if any_is(socket.gaierror, aiohttp.ClientConnectorDNSError):
        what = f"The name {host} could not be looked up."
    elif any_is(ServiceRequestTimeoutError):
        what = f"{host} could not be reached in time."
    elif any_is(aiohttp.ClientConnectorError):
        what = f"{host} could not be reached."
    elif any_is(IncompleteReadError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError):
        what = f"The connection to {host} was cut before the answer was complete."
    else:
        what = f"{host} did not answer as a Log Analytics endpoint does."
    hint = "Check the network and SIGNALR_BOT_LOGS_ENDPOINT, then try again."
    return Failure(EngineError(what, hint), Again.BRIEFLY, cause=error)


def needs_https() -> EngineError:
    """The error for an endpoint without TLS: the client sends a token over nothing else."""
    return EngineError("SIGNALR_BOT_LOGS_ENDPOINT must start with https://.", "For example https://api.loganalytics.io")


def retry_after_seconds(headers: Mapping[str, str], now: datetime) -> float | None:
    """The wait that Retry-After asks for, in seconds or as a date; None when it says neither."""
    value = next((text.strip() for name, text in headers.items() if name.lower() == "retry-after"), "")
    if re.fullmatch(r"\d{1,9}(\.\d{1,9})?", value, re.ASCII):
        return float(value)
    try:
        moment = parsedate_to_datetime(value)
    except (ValueError, OverflowError):
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return max(0.0, (moment - now).total_seconds())


def _codes(levels: list[Mapping[str, Any]]) -> list[str]:
    """The codes of an error, outermost first, in lower case; some are only named in a message."""
    given = [code.lower() for level in levels if isinstance(code := level.get("code"), str)]
    named = [code.lower() for level in levels for code in _NAMED_CODE.findall(str(level.get("message", "")))]
    return [code for code in given + named if _CODE.match(code)]


def _error_object(body: bytes) -> Mapping[str, Any]:
    try:
        answer = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    error = answer.get("error") if isinstance(answer, dict) else None
    return error if isinstance(error, dict) else {}


def _throttled(after: float | None) -> Throttled:
    wait = f"in {_about(after)}" if after is not None else "in a minute"
    asked = f" and asks to wait {_about(after)}" if after is not None else ""
    return Throttled(
        f"The log store has too many queries to answer{asked}.",
        f"Try again {wait}. All users of the bot share one allowance of 200 queries in 30 s.",
    )


def _about(seconds: float) -> str:
    """A wait in the unit people would use, rounded up so that it is long enough from ten minutes on."""
    if seconds < 600:
        return f"{max(1, round(seconds))} s"
    if seconds < 120 * 60:
        return f"{ceil(seconds / 60)} min"
    return f"{ceil(seconds / 3600)} hours" if seconds < 48 * 3600 else f"{ceil(seconds / 86_400)} days"


def _unwell(status: int, answered_as_api: bool, scope: Scope) -> EngineError:
    if answered_as_api:
        return EngineError(
            f"The log store could not work (HTTP {status}).",
            "Try again in a minute; if it lasts, look at Service health in the portal.",
        )
    return EngineError(
        f"A gateway on the way to {scope.host} failed (HTTP {status}).",
        "Try again in a minute. If it lasts, check the proxy and SIGNALR_BOT_LOGS_ENDPOINT.",
    )


def _by_code(status: int, codes: list[str], levels: list[Mapping[str, Any]], body: bytes, scope: Scope) -> EngineError:
    text = body.decode("utf-8", "replace").lower()
    if known := _known(status, codes, levels, text, scope):
        return known
    if status == 407:
        return EngineError(f"The proxy on the way to {scope.host} wants a sign-in.", "Check HTTPS_PROXY.")
    if not codes:
        return EngineError(f"{scope.host} answered with HTTP {status} and no reason.", _endpoint_hint())
    shown = [code for level in levels if isinstance(code := level.get("code"), str) and _CODE.match(code)]
    return EngineError(
        f"The log store refused the query (HTTP {status}, {', '.join(shown)}).",
        "Run the query in the portal to see more; if it works there, check the SIGNALR_BOT_ settings.",
    )


def _known(
    status: int, codes: list[str], levels: list[Mapping[str, Any]], text: str, scope: Scope
) -> EngineError | None:
    """The error of a documented case, told by codes first, then by status."""
    if status == 204 or "workspacenotplacederror" in codes:
        return LogsNotEnabled("The workspace holds no logs yet.", SWITCH_LOGS_ON)
    if kql_codes := [code for code in codes if _KQL_CODE.match(code)]:
        return _bad_kql(kql_codes[-1].upper(), levels)
    if any(mark in text for mark in _TOO_HEAVY):
        return EngineError("The query needs more work than the log store allows.", NARROW)
    if status == 401 or (status in (400, 403) and _TOKEN_CODES.intersection(codes)):
        return AccessDenied(
            "The log store did not accept the bot's sign-in.",
            f"The token was asked for {scope.settings.logs_audience}: check SIGNALR_BOT_LOGS_AUDIENCE, "
            "AZURE_TENANT_ID, and that both belong to the same cloud as SIGNALR_BOT_LOGS_ENDPOINT.",
        )
    if status == 403 and (codes or text.lstrip()[:1] != "<"):
        return _no_access(scope)
    if status in (408, 504):
        return EngineTimeout("The query ran longer than the log store allows.", NARROW)
    if "failedtoresolveresource" in codes or (status == 404 and codes):
        return _not_found(scope)
    return None


def _bad_kql(code: str, levels: list[Mapping[str, Any]]) -> EngineError:
    messages = " ".join(str(level.get("message", "")) for level in levels)
    unresolved = _UNRESOLVED.search(messages)
    if unresolved and unresolved.group(1).lower() == TABLE.lower():
        # A workspace gets the table with its first record; a resource without logs is answered alike.
        return LogsNotEnabled(f"The log store has no table {TABLE}.", SWITCH_LOGS_ON)
    if unresolved:
        return UnsupportedKql(
            f"The log store knows no table or column {unresolved.group(1)} ({code}).",
            f"Compare the query with the columns of {TABLE}; the workspace may hide some.",
        )
    what = "read" if code.startswith("SYN") else "make sense of"
    return UnsupportedKql(
        f"The log store could not {what} the query{_position(levels)} ({code}).",
        "Open the query in the portal, mend it there, and carry the change back to its file.",
    )


def _position(levels: list[Mapping[str, Any]]) -> str:
    for level in reversed(levels):
        line, position = level.get("line"), level.get("pos")
        if isinstance(line, int):
            at = f", position {position}" if isinstance(position, int) else ""
            return f" at line {line}{at}"
    return ""


def _no_access(scope: Scope) -> AccessDenied:
    if scope.by_workspace:
        return AccessDenied(
            "The bot's identity may not read the workspace.",
            "Ask its owner for the role Log Analytics Reader on the workspace, or check "
            "SIGNALR_BOT_WORKSPACE_ID. A new role can take up to an hour to count.",
        )
    return AccessDenied(
        "The bot's identity may not read the logs of the SignalR resource.",
        "Ask its owner for the role Reader or Monitoring Reader on the resource; a workspace that requires "
        "its own permissions wants Log Analytics Reader too. A new role can take up to an hour to count.",
    )


def _not_found(scope: Scope) -> EngineError:
    if scope.by_workspace:
        return EngineError(
            "The log store knows no workspace with this id.",
            "SIGNALR_BOT_WORKSPACE_ID is the Workspace ID on the workspace's Overview page, a GUID like "
            "00000000-0000-0000-0000-000000000000: not its name and not a resource id.",
        )
    return EngineError(
        "The log store knows no SignalR resource with this id.",
        "Copy the Resource ID from the SignalR resource's Properties page in the portal; it looks like "
        "/subscriptions/.../resourceGroups/.../providers/Microsoft.SignalRService/SignalR/NAME.",
    )


def _endpoint_hint() -> str:
    return (
        "A proxy may stand in between, or SIGNALR_BOT_LOGS_ENDPOINT names the wrong host: it is "
        "https://api.loganalytics.io except in the clouds for US Government and China."
    )
