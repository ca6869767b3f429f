"""An engine with a stand-in for Log Analytics behind it, and a query to ask."""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from azure.core.credentials import AccessToken

from bot.engines.log_analytics import LogAnalyticsEngine
from bot.errors import BotError
from bot.kql import BoundQuery, bind
from bot.model import Table, Window
from bot.settings import Settings
from tests.standins.log_analytics import Answer, Column, LogAnalyticsStandIn, Rows, Timespan

WORKSPACE = "00000000-0000-0000-0000-000000000000"
RESOURCE = (
    "/subscriptions/00000000-0000-0000-0000-000000000000/resourceGroups/chat"
    "/providers/Microsoft.SignalRService/SignalR/chat-prod"
)
OTHER = RESOURCE.replace("chat-prod", "chat-test")
WINDOW = Window(datetime(2026, 8, 1, 10, tzinfo=UTC), datetime(2026, 8, 1, 12, tzinfo=UTC))
BODY = "SignalRServiceDiagnosticLogs\n| where ConnectionId == connection_id\n| take 10"
SECRET = "a-value-that-stays-in-the-query"
MINUTE = timedelta(minutes=1)
COLUMNS = [("TimeGenerated", "datetime"), ("ConnectionId", "string"), ("MessageTracingId", "long")]
ROWS = [[datetime(2026, 8, 1, 11, tzinfo=UTC), "a", 2**60 + 1], [datetime(2026, 8, 1, 11, 1, tzinfo=UTC), None, None]]
NAMES = tuple(name for name, _ in COLUMNS)
TABLE = Table(NAMES, (dict(zip(NAMES, ROWS[0], strict=True)), dict(zip(NAMES, [ROWS[1][0], "", None], strict=True))))


def two_rows(kql: str, timespan: Timespan) -> tuple[list[Column], Rows]:
    """What the stand-in answers to any query; read back it is TABLE."""
    return COLUMNS, ROWS


class Token:
    """A credential that needs no Azure, or fails as it is told."""

    def __init__(self, failure: Exception | None = None) -> None:
        self.failure = failure
        self.scopes: list[str] = []

    async def get_token(self, *scopes: str, **_: Any) -> AccessToken:
        self.scopes.extend(scopes)
        if self.failure:
            raise self.failure
        return AccessToken("a-token", int(time.time()) + 3600)

    async def close(self) -> None: ...

    async def __aenter__(self) -> Token:
        return self

    async def __aexit__(self, *_: object) -> None: ...


@dataclass
class Bench:
    """An engine and the endpoint it asks; `pauses` are the waits it made between attempts."""

    stand_in: LogAnalyticsStandIn
    engine: LogAnalyticsEngine
    token: Token
    pauses: list[float] = field(default_factory=list)

    async def ask(self, resource_id: str = "", timeout: timedelta = MINUTE) -> Table:
        return await self.engine.query(bound(resource_id), timeout)


def bound(resource_id: str = "", **params: Any) -> BoundQuery:
    """A query over WINDOW; without `params` it holds SECRET."""
    return bind("timeline", "Timeline", BODY, WINDOW, resource_id, params or {"connection_id": SECRET})


@asynccontextmanager
async def bench(
    failure: Exception | None = None,
    clock: Callable[[], float] = time.monotonic,
    answer: Answer = two_rows,
    **settings: Any,
) -> AsyncIterator[Bench]:
    """A Bench whose settings name its stand-in, unless `settings` say otherwise."""
    pauses: list[float] = []

    async def sleep(seconds: float) -> None:
        pauses.append(seconds)

    async with LogAnalyticsStandIn(answer) as stand_in:
        given: dict[str, Any] = {
            "workspace_id": WORKSPACE,
            "logs_endpoint": stand_in.endpoint,
            "logs_audience": "https://logs.example.com",
            "ca_bundle": stand_in.ca_file,
        }
        token = Token(failure)
        engine = LogAnalyticsEngine(Settings(**(given | settings)), token, clock, sleep)
        try:
            yield Bench(stand_in, engine, token, pauses)
        finally:
            await engine.close()


async def failure_of(asked: Bench, resource_id: str = "", timeout: timedelta = MINUTE) -> BotError:
    """The error that a query ends with."""
    with pytest.raises(BotError) as caught:
        await asked.ask(resource_id, timeout)
    return caught.value
