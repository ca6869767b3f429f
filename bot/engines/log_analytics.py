"""The engine that asks Log Analytics, by workspace or by SignalR resource.

Source: Azure SDK for Python, azure-monitor-query; Azure Monitor Logs API, "Prefer options", "Cache".
"""

from __future__ import annotations

import asyncio
import random
import ssl
import time
from collections.abc import Awaitable, Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
from azure.core.credentials_async import AsyncTokenCredential
from azure.core.pipeline.transport import AioHttpTransport
from azure.core.rest import AsyncHttpResponse, HttpRequest
from azure.monitor.query.aio import LogsQueryClient

from bot.engines.azure_answers import read_answer
from bot.engines.azure_credentials import SignIn, choose, sign_in_failure
from bot.engines.azure_errors import (
    NARROW,
    Again,
    Failure,
    Scope,
    needs_https,
    refused,
    unreached,
    unreadable,
    without_tables,
)
from bot.engines.azure_links import is_signalr_id, query_link
from bot.errors import BotError, EngineError, EngineTimeout
from bot.kql import BoundQuery
from bot.model import Table, Window
from bot.settings import Settings

# The service runs 5 queries of one identity at once, and the bot is one identity.
AT_ONCE = 4
# The service stops an answer at about 100 MB.
LARGEST_ANSWER_BYTES = 128 * 1024 * 1024
LONGEST_WAIT_SECONDS = 600
CONNECT_SECONDS = 10
BRIEF_ATTEMPTS = 3
THROTTLED_ATTEMPTS = 5
# Less than this is not enough for one more query.
LEAST_SECONDS = 1.0
_AROUND = timedelta(days=1)
_FIRST = datetime.min.replace(tzinfo=UTC) + _AROUND
_LAST = datetime.max.replace(tzinfo=UTC) - _AROUND


class LogAnalyticsEngine:
    """Runs bound queries in Log Analytics; one for the process, in one event loop.

    The client's pipeline signs, sends and streams; `send_request` is used because `query_workspace` parses
    on the event loop (2 s for 50,000 rows), writes missing values as the text 'None', and flattens a failed
    sign-in, a refusal and a bad query into one kind of exception.

    `credential` replaces the one the settings choose, and is then the caller's to close. `clock` gives
    monotonic seconds; `sleep` waits between attempts.
    """

    def __init__(
        self,
        settings: Settings,
        credential: AsyncTokenCredential | None = None,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._settings = settings
        self._given = credential
        self._clock = clock
        self._sleep = sleep
        self._slots = asyncio.Semaphore(AT_ONCE)
        self._client: LogsQueryClient | None = None
        self._sign_in: SignIn | None = None
        self._closed = False

    async def query(self, bound: BoundQuery, timeout: timedelta) -> Table:
        """The rows of `bound`, after at most `timeout`, waiting for a free slot and retries included.

        A partial answer is a Table whose notes say why. The API's time span is a day wider than the window
        on each side: the service intersects it with the query's own filter, which has the exact bounds and
        may look a little around the window.
        """
        deadline = self._clock() + timeout.total_seconds()
        try:
            async with asyncio.timeout(timeout.total_seconds()), self._slots:
                return await self._until(bound, deadline)
        except TimeoutError as error:
            words = f"The log store did not answer within {timeout.total_seconds():.0f} s."
            raise EngineTimeout(words, NARROW) from error

    def prepare(self, queries: Sequence[BoundQuery]) -> None:
        """Nothing: the service reads each query's text when it comes."""

    def portal_url(self, bound: BoundQuery, seen: str) -> str:
        """The portal's link to the query on the SignalR resource it asks about, else on `seen`; up to 3,000 characters.

        Empty when neither is a resource id: a link to a workspace wants its Azure id, and the bot has its GUID.
        """
        settings = self._settings
        asked = str(bound.values["resource_id"]).rstrip("/")
        asked = asked if settings.workspace_id else self._resource_id(bound)
        for resource_id in (asked, seen.rstrip("/")):
            if is_signalr_id(resource_id):
                return query_link(settings.portal, settings.tenant_id, resource_id, bound.kql, bound.window)
        return ""

    async def span(self) -> Window | None:
        """None: a workspace does not know it without a query."""
        return None

    async def close(self) -> None:
        """Close the connections, and the credential unless it was given."""
        self._closed = True
        client, self._client = self._client, None
        sign_in, self._sign_in = self._sign_in, None
        if client is not None:
            await client.close()
        if sign_in is not None and self._given is None:
            await sign_in.close()

    async def _until(self, bound: BoundQuery, deadline: float) -> Table:
        """The rows, or the error of the last attempt that the time left allows."""
        attempt = 1
        while True:
            left = deadline - self._clock()
            outcome = await self._once(bound, left)
            if isinstance(outcome, Table):
                return outcome
            pause = _pause(outcome, attempt)
            if pause is None or self._clock() + pause + LEAST_SECONDS > deadline:
                raise outcome.error from outcome.cause
            # The slot is kept meanwhile: what throttles one query of this identity throttles them all.
            await self._sleep(pause)
            attempt += 1

    async def _once(self, bound: BoundQuery, left: float) -> Table | Failure:
        """One request: the rows, or what went wrong. Raises BotError when no request could be made."""
        scope = Scope(self._settings, by_workspace=bool(self._settings.workspace_id))
        request = self._request(bound, left)
        client = self._open()
        try:
            # The deadline of `query` ends an attempt; a shorter read_timeout, or the SDK's 300 s, would hide it.
            async with await client.send_request(
                request, stream=True, connection_timeout=CONNECT_SECONDS, read_timeout=left + 15
            ) as response:
                body = await _body(response)
        except BotError:
            raise
        except Exception as error:
            return unreached(error, scope)
        if body is None:
            return Failure(EngineError("The answer is larger than the log store's own limit.", NARROW))
        if response.status_code != 200:
            return refused(response.status_code, response.headers, body, scope)
        try:
            answer = await asyncio.to_thread(read_answer, body)
        except ValueError as error:
            return unreadable(body, scope, error)
        return without_tables(answer.error, scope) if answer.table is None else answer.table

    def _request(self, bound: BoundQuery, left: float) -> HttpRequest:
        wait = min(LONGEST_WAIT_SECONDS, max(1, int(left)))
        start = max(bound.window.start, _FIRST) - _AROUND
        end = min(bound.window.end, _LAST) + _AROUND
        return HttpRequest(
            "POST",
            self._path(bound),
            # The service caches answers for 2 minutes; "is it still happening?" wants the present.
            headers={"Accept": "application/json", "Cache-Control": "no-cache", "Prefer": f"wait={wait}"},
            json={"query": bound.kql, "timespan": f"{_instant(start)}/{_instant(end)}"},
        )

    def _path(self, bound: BoundQuery) -> str:
        if self._settings.workspace_id:
            return f"/workspaces/{self._settings.workspace_id}/query"
        resource_id = self._resource_id(bound)
        if not is_signalr_id(resource_id):
            raise EngineError(
                "SIGNALR_BOT_RESOURCE_ID is not the id of a SignalR resource.",
                "Copy the Resource ID from the resource's Properties page in the portal; it looks like "
                "/subscriptions/.../resourceGroups/.../providers/Microsoft.SignalRService/SignalR/NAME.",
            )
        return f"{resource_id}/query"

    def _resource_id(self, bound: BoundQuery) -> str:
        asked = str(bound.values["resource_id"]).rstrip("/")
        return asked if is_signalr_id(asked) else self._settings.resource_id.rstrip("/")

    def _open(self) -> LogsQueryClient:
        if self._closed:
            raise EngineError("The bot is shutting down.", "Try again when it is back.")
        if self._client is None:
            settings = self._settings
            if urlsplit(settings.logs_endpoint).scheme != "https":
                raise needs_https()
            try:
                credential = self._given or choose(settings)
            except Exception as error:
                raise sign_in_failure(error, settings.credential) from error
            options: dict[str, Any] = {}
            if settings.ca_bundle is not None:
                options["transport"] = _transport(settings.ca_bundle)
            self._sign_in = SignIn(credential, settings.credential)
            self._client = LogsQueryClient(
                self._sign_in,
                endpoint=settings.logs_endpoint,
                audience=settings.logs_audience,
                user_agent="signalr-bot",
                retry_total=0,
                retry_status=0,
                permit_redirects=False,
                **options,
            )
        return self._client


def trusting(ca_bundle: Path) -> ssl.SSLContext:
    """A TLS context that trusts the authorities in `ca_bundle`. Raises EngineError when it cannot be read."""
    try:
        return ssl.create_default_context(cafile=str(ca_bundle))
    except (OSError, ssl.SSLError, ValueError) as error:
        raise EngineError(
            "The file of SIGNALR_BOT_CA_BUNDLE could not be read as certificates.",
            "Set it to a PEM file that the bot may read, or leave it empty.",
        ) from error


def _transport(ca_bundle: Path) -> AioHttpTransport:
    """A transport that trusts `ca_bundle`; it reads the file once and keeps connections open.

    `connection_verify` reads it for every request, and no connection is ever used twice.
    """
    session = aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(ssl=trusting(ca_bundle)),
        cookie_jar=aiohttp.DummyCookieJar(),
        auto_decompress=False,
        trust_env=True,
    )
    return AioHttpTransport(session=session)


async def _body(response: AsyncHttpResponse) -> bytes | None:
    """The whole body, unpacked; None when it is larger than any answer of the service."""
    chunks, size = [], 0
    async for chunk in response.iter_bytes():
        size += len(chunk)
        if size > LARGEST_ANSWER_BYTES:
            return None
        chunks.append(chunk)
    return b"".join(chunks)


def _pause(failure: Failure, attempt: int) -> float | None:
    """Seconds to wait before another attempt; None when there should be none."""
    jitter = random.uniform(0.5, 1.0)  # noqa: S311 - spreads retries, guards nothing
    match failure.again:
        case Again.NEVER:
            return None
        case Again.BRIEFLY if attempt < BRIEF_ATTEMPTS:
            return failure.after_seconds or jitter * 0.5 * 2 ** (attempt - 1)
        case Again.WHEN_TOLD if attempt < THROTTLED_ATTEMPTS:
            return failure.after_seconds or jitter * 2.0**attempt
        case _:
            return None


def _instant(moment: datetime) -> str:
    return moment.isoformat(timespec="microseconds").replace("+00:00", "Z")
