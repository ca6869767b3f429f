"""The real Azure client against a local TLS endpoint: what is asked, what comes back, where the portal opens it."""

from __future__ import annotations

import asyncio
import base64
import gzip
import json
import logging
import time
from dataclasses import replace
from datetime import timedelta
from typing import Any
from urllib.parse import unquote

import pytest

from bot.engines.log_analytics import AT_ONCE, LogAnalyticsEngine
from bot.errors import EngineTimeout
from bot.kql import BoundQuery
from bot.model import Table
from bot.settings import Settings
from tests.standins import log_analytics as azure
from tests.standins.log_analytics import Reply, of_table
from tests.standins.log_analytics_bench import (
    MINUTE,
    OTHER,
    RESOURCE,
    SECRET,
    TABLE,
    WINDOW,
    WORKSPACE,
    Token,
    bench,
    bound,
    failure_of,
)


async def test_rows_come_back_typed() -> None:
    async with bench() as asked:
        assert await asked.ask() == TABLE


@pytest.mark.parametrize("reply", [pytest.param(azure.gzipped(), id="packed"), pytest.param(Reply(), id="not packed")])
async def test_an_answer_may_be_packed(reply: Reply) -> None:
    async with bench() as asked:
        asked.stand_in.script = [reply]
        assert await asked.ask() == TABLE


async def test_a_request_is_made_as_the_service_documents_it() -> None:
    async with bench(clock=lambda: 0.0) as asked:
        await asked.ask(timeout=timedelta(seconds=30))
        (request,) = asked.stand_in.requests
        names = ("Authorization", "Cache-Control", "Content-Type", "Prefer")
        assert (request.kql, request.timespan, [request.headers[name] for name in names], asked.token.scopes) == (
            bound().kql,
            "2026-07-31T10:00:00.000000Z/2026-08-02T12:00:00.000000Z",
            ["Bearer a-token", "no-cache", "application/json", "wait=30"],
            ["https://logs.example.com/.default"],
        )


@pytest.mark.parametrize(
    ("settings", "asked_for", "path"),
    [
        pytest.param({}, "", f"/v1/workspaces/{WORKSPACE}/query", id="the workspace"),
        pytest.param({}, RESOURCE, f"/v1/workspaces/{WORKSPACE}/query", id="the workspace, for a resource in it"),
        pytest.param(
            {"workspace_id": "", "resource_id": RESOURCE}, "", f"/v1{RESOURCE}/query", id="the resource of the settings"
        ),
        pytest.param(
            {"workspace_id": "", "resource_id": RESOURCE},
            OTHER,
            f"/v1{OTHER}/query",
            id="the resource that is asked for",
        ),
        pytest.param(
            {"workspace_id": "", "resource_id": RESOURCE},
            f"{OTHER}/../../?q=#",
            f"/v1{RESOURCE}/query",
            id="never a path that somebody typed",
        ),
    ],
)
async def test_where_a_query_goes(settings: dict[str, Any], asked_for: str, path: str) -> None:
    async with bench(**settings) as asked:
        await asked.ask(asked_for)
        assert [request.path for request in asked.stand_in.requests] == [path]


async def test_a_partial_answer_keeps_its_rows_and_says_why() -> None:
    async with bench() as asked:
        asked.stand_in.script = [azure.partial("Query result set has exceeded the record count limit 500000")]
        note = "The answer is incomplete: Query result set has exceeded the record count limit 500000"
        assert await asked.ask() == replace(TABLE, notes=(note,))


async def test_a_slow_answer_ends_with_the_time_and_the_engine_goes_on() -> None:
    async with bench() as asked:
        asked.stand_in.script = [azure.slow(60)]
        error = await failure_of(asked, timeout=timedelta(seconds=0.5))
        assert (type(error), "narrower window" in error.hint, await asked.ask()) == (EngineTimeout, True, TABLE)


async def test_a_cancelled_query_frees_its_slot() -> None:
    async with bench() as asked:
        asked.stand_in.script = [azure.slow(60)] * AT_ONCE
        tasks = [asyncio.create_task(asked.ask()) for _ in range(AT_ONCE)]
        await asked.stand_in.arrived(AT_ONCE)
        for task in tasks:
            task.cancel()
        ends = await asyncio.gather(*tasks, return_exceptions=True)
        assert ([type(end) for end in ends], await asked.ask()) == ([asyncio.CancelledError] * AT_ONCE, TABLE)


async def test_a_table_of_another_engine_comes_back_the_same() -> None:
    start = WINDOW.start
    rows = (
        {
            "at": start,
            "text": "",
            "n": 2**60 + 1,
            "share": 0.5,
            "flag": True,
            "span": MINUTE,
            "set": ["a"],
            "none": None,
        },
        {"at": None, "text": "b", "n": None, "share": 1.0, "flag": False, "span": -MINUTE, "set": {}, "none": None},
    )
    table = Table(tuple(rows[0]), rows)
    async with bench(answer=lambda kql, span: of_table(table)) as asked:  # noqa: ARG005
        assert await asked.ask() == table


async def test_four_queries_run_side_by_side_and_no_more() -> None:
    async with bench() as asked:
        asked.stand_in.script = [azure.slow(0.2)] * 12
        tables = await asyncio.gather(*(asked.ask() for _ in range(12)))
        assert (tables, asked.stand_in.most_at_once) == ([TABLE] * 12, 4)


async def test_a_large_answer_leaves_the_event_loop_free() -> None:
    columns = [{"name": "at", "type": "datetime"}] + [{"name": f"c{n}", "type": "string"} for n in range(15)]
    row = json.dumps(["2026-08-01T10:00:00.1234567Z"] + ["a text of some length"] * 15)
    rows = ", ".join([row] * 50_000)
    body = f'{{"tables": [{{"name": "PrimaryResult", "columns": {json.dumps(columns)}, "rows": [{rows}]}}]}}'
    async with bench() as asked:
        await asked.ask()
        asked.stand_in.script = [azure.text(200, body.encode())]
        gaps, running = [0.0], True

        async def tick() -> None:
            while running:
                before = time.perf_counter()
                await asyncio.sleep(0)
                gaps.append(time.perf_counter() - before)

        ticking = asyncio.create_task(tick())
        table = await asked.ask()
        running = False
        await ticking
        # On the loop, reading the rows would be most of the whole; in pieces no gap is a large part of it.
        assert (len(table.rows), max(gaps) < 0.3 * sum(gaps)) == (50_000, True)


async def test_neither_the_token_nor_the_query_is_logged(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    async with bench() as asked:
        await asked.ask()
    text = caplog.text
    assert ("/v1/workspaces/" in text, "a-token" in text, SECRET in text) == (True, False, False)


async def test_after_close_a_query_is_refused_kindly() -> None:
    async with bench() as asked:
        await asked.ask()
        await asked.engine.close()
        assert (await failure_of(asked)).message == "The bot is shutting down."


def link_of(settings: Settings, query: BoundQuery) -> str:
    return LogAnalyticsEngine(settings, Token()).portal_url(query, "")


def test_a_query_about_no_resource_opens_on_the_one_its_rows_name() -> None:
    engine = LogAnalyticsEngine(Settings(workspace_id=WORKSPACE), Token())
    links = [engine.portal_url(bound(), seen) for seen in (RESOURCE.lower(), "", "chat-prod")]
    assert [RESOURCE.lower().replace("/", "%2F") in link for link in links] == [True, False, False]


def test_the_portal_opens_the_very_query() -> None:
    link = link_of(Settings(workspace_id=WORKSPACE, tenant_id=WORKSPACE), bound(RESOURCE))
    before, _, packed = link.partition("/q/")
    packed, _, span = packed.partition("/timespan/")
    assert (before, gzip.decompress(base64.b64decode(unquote(packed))).decode(), span) == (
        f"https://portal.azure.com/#@{WORKSPACE}/blade/Microsoft_Azure_Monitoring_Logs/LogsBlade/resourceId/"
        + RESOURCE.replace("/", "%2F")
        + "/source/LogsBlade.AnalyticsShareLinkToQuery",
        bound(RESOURCE).kql,
        "2026-08-01T10%3A00%3A00.000Z%2F2026-08-01T12%3A00%3A00.000Z",
    )


@pytest.mark.parametrize(
    ("settings", "query", "start"),
    [
        pytest.param(
            Settings(resource_id=RESOURCE, portal="https://portal.azure.us"),
            bound(),
            "https://portal.azure.us/#blade/",
            id="another cloud, no tenant",
        ),
        pytest.param(Settings(workspace_id=WORKSPACE), bound(), "", id="a whole workspace has no link"),
        pytest.param(
            Settings(workspace_id=WORKSPACE, resource_id=RESOURCE), bound(), "", id="nor has it with a resource beside"
        ),
        pytest.param(Settings(workspace_id=WORKSPACE), bound("chat-prod"), "", id="a name is not an id"),
        pytest.param(
            Settings(resource_id=RESOURCE),
            bound(connection_id="".join(chr(0x4E00 + n * 7919 % 20000) for n in range(3000))),
            "",
            id="a query too long for a button",
        ),
        pytest.param(
            Settings(resource_id=RESOURCE),
            bound(connection_id="\ud800"),
            "",
            id="half a character",
        ),
    ],
)
def test_a_link_is_there_or_empty(settings: Settings, query: BoundQuery, start: str) -> None:
    link = link_of(settings, query)
    assert link[: len(start) or None] == start
