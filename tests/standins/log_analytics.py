"""A local Log Analytics endpoint over TLS, as its REST documentation describes it.

    async with LogAnalyticsStandIn(answer) as azure:
        settings = Settings(workspace_id=..., logs_endpoint=azure.endpoint, ca_bundle=azure.ca_file, ...)

`answer(kql, timespan)` returns the columns, as (name, Kusto type), and the rows as Python values, or a Reply
to send instead; it may be a coroutine function. `azure.script` holds what to do instead, request by request,
oldest first. The endpoint also answers a client-secret sign-in, for a bot whose AZURE_AUTHORITY_HOST is
`azure.endpoint`.
"""

from __future__ import annotations

import asyncio
import gzip
import inspect
import json
import math
import re
import ssl
import tempfile
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from pathlib import Path
from typing import Any

import trustme
from aiohttp import web

from bot.model import Table

Column = tuple[str, str]
Rows = Sequence[Sequence[Any]]
Timespan = tuple[datetime, datetime]
Answer = Callable[[str, Timespan], Any]

_INSTANT = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?Z"
_INTERVAL = re.compile(rf"({_INSTANT})/({_INSTANT})\Z")
# Large answers leave in pieces, so that the endpoint does not hold up the loop it shares with what is tested.
PIECE = 64 * 1024
_GUID = re.compile(r"[0-9a-fA-F]{8}(-[0-9a-fA-F]{4}){3}-[0-9a-fA-F]{12}\Z")


@dataclass(frozen=True)
class Request:
    """A query as it arrived."""

    path: str
    headers: dict[str, str]
    kql: str
    timespan: str


@dataclass(frozen=True)
class Reply:
    """What to send for one request; with `status` None the backing `answer` is sent after `delay`."""

    status: int | None = None
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    delay: float = 0.0
    cut: bool = False
    gzipped: bool = False
    error: dict[str, Any] | None = None


def refusal(status: int, *chain: tuple[str, str], headers: dict[str, str] | None = None, **last: Any) -> Reply:
    """An error body: (code, message) pairs, outermost first; `last` is added to the innermost."""
    error: dict[str, Any] = {}
    for place, (code, message) in enumerate(reversed(chain)):
        inner = {"innererror": error} if place else dict(last)
        error = {"code": code, "message": message, **inner}
    error["correlationId"] = "00000000-0000-0000-0000-000000000000"
    return Reply(status, json.dumps({"error": error}).encode(), {"Content-Type": "application/json"} | (headers or {}))


def semantic_error(message: str, code: str = "SEM0100") -> Reply:
    return refusal(
        400,
        ("BadArgumentError", "The request had some invalid properties"),
        ("SemanticError", "A semantic error occurred."),
        (code, message),
    )


def unresolved(name: str) -> Reply:
    return semantic_error(f"'where' operator: Failed to resolve table or column expression named '{name}'")


def syntax_error(line: int, position: int, token: str) -> Reply:
    return refusal(
        400,
        ("BadArgumentError", "The request had some invalid properties"),
        ("SyntaxError", "A recognition error occurred in the query."),
        ("SYN0002", f"Query could not be parsed at '{token}' on line [{line},{position}]"),
        line=line,
        pos=position,
        token=token,
    )


def throttled(retry_after: str | None = None) -> Reply:
    headers = {} if retry_after is None else {"Retry-After": retry_after}
    return refusal(429, ("ThrottledError", "Too many requests"), headers=headers)


def gateway_timeout() -> Reply:
    return refusal(504, ("GatewayTimeout", "Gateway timeout"), ("GatewayTimeout", "Kusto query timed out"))


def forbidden(*, resource: bool = False) -> Reply:
    words = "The provided credentials have insufficient access to perform the requested operation"
    inner = [("AuthorizationFailedError", "No read permission on the resource")] if resource else []
    return refusal(403, ("InsufficientAccessError", words), *inner)


def partial(reason: str) -> Reply:
    """The backing answer together with an error, as the service sends it: status 200."""
    inner = {"code": "-2133196797", "message": reason, "severity": 2, "severityName": "Error"}
    detail = {
        "code": "EngineError",
        "message": "Something went wrong processing your query.",
        "innererror": inner,
    }
    words = "There were some errors when processing your query."
    return Reply(error={"code": "PartialError", "message": words, "details": [detail]})


def page(status: int) -> Reply:
    return Reply(status, b"<html><body>a gateway's page</body></html>", {"Content-Type": "text/html"})


def text(status: int, body: bytes = b"") -> Reply:
    return Reply(status, body, {"Content-Type": "application/json"})


def slow(seconds: float) -> Reply:
    return Reply(delay=seconds)


def cut() -> Reply:
    """The connection ends in the middle of the answer."""
    return Reply(cut=True)


def gzipped() -> Reply:
    return Reply(gzipped=True)


def wire(value: Any) -> Any:
    """A Python value as the service writes it."""
    match value:
        case datetime():
            moment = value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)
            return moment.strftime("%Y-%m-%dT%H:%M:%S.%f") + "0Z"
        case timedelta():
            sign, whole = ("-", -value) if value < timedelta(0) else ("", value)
            clock = f"{whole.seconds // 3600:02d}:{whole.seconds // 60 % 60:02d}:{whole.seconds % 60:02d}"
            days = f"{whole.days}." if whole.days else ""
            return f"{sign}{days}{clock}" + (f".{whole.microseconds:06d}0" if whole.microseconds else "")
        case float() if not math.isfinite(value):
            return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
        case dict() | list():
            return json.dumps(value)
        case Decimal():
            return str(value)
        case _:
            return value


def of_table(table: Table) -> tuple[list[Column], Rows]:
    """A Table as an `answer` gives it: each column's Kusto type is told by its values.

    A column without any value is dynamic, the type whose missing value is None.
    """
    kinds: list[tuple[type, str]] = [
        (bool, "bool"),
        (int, "long"),
        (float, "real"),
        (Decimal, "decimal"),
        (datetime, "datetime"),
        (timedelta, "timespan"),
        (str, "string"),
    ]

    def kind_of(column: str) -> str:
        values = [row[column] for row in table.rows if row[column] is not None]
        fitting = [kind for cls, kind in kinds if values and all(isinstance(value, cls) for value in values)]
        return fitting[0] if fitting else "dynamic"

    columns = [(column, kind_of(column)) for column in table.columns]
    return columns, [[row[column] for column in table.columns] for row in table.rows]


class LogAnalyticsStandIn:
    """The endpoint; `requests` are the queries that passed its checks, `tokens` the sign-ins it answered."""

    def __init__(self, answer: Answer) -> None:
        self.script: list[Reply] = []
        self.requests: list[Request] = []
        self.tokens: list[dict[str, str]] = []
        self.at_once = 0
        self.most_at_once = 0
        self._answer = answer
        self._arrival = asyncio.Condition()
        self._folder = tempfile.TemporaryDirectory()

    async def __aenter__(self) -> LogAnalyticsStandIn:
        authority = trustme.CA()
        self.ca_file = Path(self._folder.name) / "ca.pem"
        authority.cert_pem.write_to_path(str(self.ca_file))
        context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
        authority.issue_cert("127.0.0.1", "localhost").configure_cert(context)
        app = web.Application(client_max_size=16 * 1024 * 1024)
        app.router.add_post("/v1/workspaces/{workspace}/query", self._query)
        app.router.add_post("/v1/{resource:subscriptions/.*}/query", self._query)
        app.router.add_post("/{tenant}/oauth2/v2.0/token", self._token)
        self._runner = web.AppRunner(app, access_log=None, shutdown_timeout=0.1)
        await self._runner.setup()
        site = web.TCPSite(self._runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        port = self._runner.addresses[0][1]
        self.endpoint = f"https://127.0.0.1:{port}"
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._runner.cleanup()
        self._folder.cleanup()

    async def arrived(self, count: int) -> None:
        """Returns when `count` queries are being answered at once."""
        async with self._arrival:
            await self._arrival.wait_for(lambda: self.at_once >= count)

    async def _token(self, request: web.Request) -> web.Response:
        form = {key: str(value) for key, value in (await request.post()).items()}
        self.tokens.append({"tenant": request.match_info["tenant"], **form})
        if form.get("client_secret") != "right":
            words = "AADSTS7000215: Invalid client secret provided."
            return web.json_response({"error": "invalid_client", "error_description": words}, status=401)
        return web.json_response({"access_token": "a-token", "expires_in": 3600, "token_type": "Bearer"})

    async def _query(self, request: web.Request) -> web.StreamResponse:
        checked = await self._checked(request)
        if isinstance(checked, Reply):
            return await self._send(request, checked)
        asked, span = checked
        self.requests.append(asked)
        reply = self.script.pop(0) if self.script else Reply()
        self.at_once += 1
        self.most_at_once = max(self.most_at_once, self.at_once)
        async with self._arrival:
            self._arrival.notify_all()
        try:
            await asyncio.sleep(reply.delay)
            if reply.status is None:
                reply = await self._answered(asked.kql, span, reply)
            return await self._send(request, reply)
        finally:
            self.at_once -= 1

    async def _checked(self, request: web.Request) -> tuple[Request, Timespan] | Reply:
        """The query, or the refusal that the service gives a request it cannot take."""
        if not re.fullmatch(r"Bearer \S+", request.headers.get("Authorization", "")):
            return refusal(401, ("AuthenticationFailed", "No valid authentication was provided"))
        workspace = request.match_info.get("workspace")
        if workspace is not None and not _GUID.match(workspace):
            return refusal(404, ("PathNotFoundError", "The requested path does not exist"))
        try:
            body = await request.json()
            interval = _INTERVAL.match(body["timespan"])
            kql = body["query"]
        except (ValueError, KeyError, TypeError):
            interval, kql = None, ""
        if not interval or not isinstance(kql, str) or not kql.strip():
            return refusal(400, ("BadArgumentError", "The request had some invalid properties"))
        start, end = (datetime.fromisoformat(moment) for moment in interval.groups())
        return Request(request.path, dict(request.headers), kql, interval.group()), (start, end)

    async def _answered(self, kql: str, span: Timespan, reply: Reply) -> Reply:
        found = self._answer(kql, span)
        found = await found if inspect.isawaitable(found) else found
        if isinstance(found, Reply):
            return found
        columns, rows = found
        table = {
            "name": "PrimaryResult",
            "columns": [{"name": name, "type": kind} for name, kind in columns],
            "rows": [[wire(value) for value in row] for row in rows],
        }
        body = {"tables": [table]} | ({"error": reply.error} if reply.error else {})
        headers = {"Content-Type": "application/json; charset=utf-8"}
        return Reply(200, json.dumps(body).encode(), headers, cut=reply.cut, gzipped=reply.gzipped)

    async def _send(self, request: web.Request, reply: Reply) -> web.StreamResponse:
        body, headers = reply.body, dict(reply.headers)
        if reply.gzipped:
            body = gzip.compress(body)
            headers["Content-Encoding"] = "gzip"
        if reply.status in (204, 304):
            return web.Response(status=reply.status, headers=headers)
        sized = headers | {"Content-Length": str(len(body))}
        response = web.StreamResponse(status=reply.status or 200, headers=sized)
        await response.prepare(request)
        sent = body[: len(body) // 2] if reply.cut else body
        for start in range(0, len(sent), PIECE):
            await response.write(sent[start : start + PIECE])
        if reply.cut and request.transport is not None:
            request.transport.abort()
        return response
