"""The embedded engine on real files, written as the service, the portal and broken copies write them."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import duckdb
import pytest

from bot import kql
from bot.engines.embedded import EmbeddedEngine
from bot.engines.embedded_job import Job, Stopped
from bot.errors import EngineTimeout
from bot.model import Table, Window

T = "SignalRServiceDiagnosticLogs"
RESOURCE = (
    "/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000/RESOURCEGROUPS/RG"
    "/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/CHAT"
)
WINDOW = Window(datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 11, tzinfo=UTC))
MINUTE = timedelta(minutes=1)
IDS = f"{T} | project ConnectionId | order by ConnectionId asc"

Ask = Callable[..., Awaitable[Table]]


def record(connection: str = "a", time: str = "2026-11-23T10:05:15Z", **changes: Any) -> dict[str, Any]:
    properties = {
        "type": "ConnectivityLogs",
        "collection": "Connection",
        "message": "Connection started",
        "connectionId": connection,
        "userId": None,
        **changes.pop("properties", {}),
    }
    plain = {"time": time, "level": "Informational", "resourceId": RESOURCE, "location": "westeurope"}
    return {**plain, "category": "AllLogs", "operationName": "ConnectionStarted", "properties": properties, **changes}


def line(connection: str = "a", **changes: Any) -> str:
    return json.dumps(record(connection, **changes)) + "\n"


def hour_file(logs: Path, hour: int, resource: str = RESOURCE) -> Path:
    path = logs / f"resourceId={resource}/y=2026/m=11/d=23/h={hour:02d}/m=00/PT1H.json"
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


@pytest.fixture
async def ask(tmp_path: Path) -> AsyncIterator[Ask]:
    engines: dict[Path, EmbeddedEngine] = {}

    async def run(text: str = IDS, logs: Path = tmp_path, window: Window = WINDOW) -> Table:
        engine = engines.setdefault(logs, EmbeddedEngine(logs))
        return await engine.query_text(text, window, MINUTE)

    yield run
    for engine in engines.values():
        await engine.close()


def ids(table: Table) -> list[str]:
    return [row["ConnectionId"] for row in table.rows]


async def test_every_column_comes_out_in_the_shape_both_engines_share(ask: Ask, tmp_path: Path) -> None:
    properties = {
        "connectionType": "Client",
        "transportType": "WebSockets",
        "userId": "ann",
        "messageTracingId": 1152921504606846977,
        "messageType": "UserDataMessage",
        "hub": "chat",
        "groupName": "g",
        "invocationId": "7",
    }
    (tmp_path / "a.json").write_text(line(callerIpAddress="192.0.2.1", properties=properties))

    table = await ask(T)

    assert table == Table(
        tuple(table.rows[0]),
        (
            {
                "TimeGenerated": datetime(2026, 11, 23, 10, 5, 15, tzinfo=UTC),
                "Collection": "Connection",
                "OperationName": "ConnectionStarted",
                "Level": "Informational",
                "Message": "Connection started",
                "ConnectionId": "a",
                "ConnectionType": "Client",
                "TransportType": "WebSockets",
                "UserId": "ann",
                "CallerIpAddress": "192.0.2.1",
                "HubName": "chat",
                "GroupName": "g",
                "MessageTracingId": 1152921504606846977,
                "MessageType": "UserDataMessage",
                "InvocationId": "7",
                "Location": "westeurope",
                "_ResourceId": RESOURCE.lower(),
                "_SubscriptionId": "00000000-0000-0000-0000-000000000000",
                "TenantId": "",
                "SourceSystem": "Azure",
                "Type": T,
                "_BilledSize": None,
                "_IsBillable": "",
            },
        ),
    )


async def test_missing_strings_are_empty_and_other_values_none(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(line())

    table = await ask(f"{T} | project UserId, HubName, MessageTracingId, gone = isempty(UserId)")

    assert table.rows == ({"UserId": "", "HubName": "", "MessageTracingId": None, "gone": True},)


async def test_results_of_every_kql_type_are_python_values(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(line("a") + line("b"))

    table = await ask(
        f"{T} | summarize n = count(), names = make_set(ConnectionId), share = avg(1.5), "
        "minute = min(bin(TimeGenerated, 1m)), took = max(TimeGenerated) - min(TimeGenerated) "
        '| extend bag = pack("k", n), names = array_sort_asc(names), total = n + 9223372036854775000'
    )

    assert table.rows == (
        {
            "n": 2,
            "names": ["a", "b"],
            "share": 1.5,
            "minute": datetime(2026, 11, 23, 10, 5, tzinfo=UTC),
            "took": timedelta(0),
            "bag": {"k": 2},
            "total": 9223372036854775002,
        },
    )


async def test_an_hour_without_logs_is_an_empty_table(ask: Ask, tmp_path: Path) -> None:
    hour_file(tmp_path, 3).write_text(line())

    assert await ask() == Table(("ConnectionId",), ())


async def test_the_newest_hour_may_end_in_half_a_line_and_an_older_one_is_noted(ask: Ask, tmp_path: Path) -> None:
    for hour, connection in ((10, "a"), (11, "b")):
        hour_file(tmp_path, hour).write_text(line(connection) + line("cut")[:-20])

    table = await ask()

    name = hour_file(tmp_path, 10).relative_to(tmp_path).as_posix()
    assert (ids(table), table.notes) == (
        ["a", "b"],
        (f"The last line of {name} is cut off; its record is missing.",),
    )


async def test_a_file_that_grew_is_read_again_and_others_stay(ask: Ask, tmp_path: Path) -> None:
    growing = hour_file(tmp_path, 10)
    growing.write_text(line("a"))
    hour_file(tmp_path, 11).write_text(line("b"))
    before = ids(await ask())
    growing.write_text(line("a") + line("c"))

    assert (before, ids(await ask())) == (["a", "b"], ["a", "b", "c"])


async def test_resources_in_one_tree_stay_apart_whatever_their_case(ask: Ask, tmp_path: Path) -> None:
    game = RESOURCE.replace("CHAT", "GAME")
    hour_file(tmp_path, 10).write_text(line("a") + line("b", resourceId=RESOURCE.lower()))
    hour_file(tmp_path, 10, game).write_text(line("c", resourceId=game) + line("d", resourceId=game.title()))

    table = await ask(f"{T} | summarize n = count() by _ResourceId | order by _ResourceId asc")

    assert table.rows == ({"_ResourceId": RESOURCE.lower(), "n": 2}, {"_ResourceId": game.lower(), "n": 2})


async def test_hours_beyond_the_limit_are_forgotten_and_read_again(tmp_path: Path) -> None:
    for hour in range(24):
        hour_file(tmp_path, hour).write_text(
            "".join(line(f"{hour:02d}-{n}", time=f"2026-11-23T{hour:02d}:00:00Z") for n in range(10))
        )
    engine = EmbeddedEngine(tmp_path, max_rows=50)
    counts = []
    for hour in (1, 12, 20, 1):
        start = datetime(2026, 11, 23, hour, tzinfo=UTC)
        window = Window(start, start + timedelta(hours=1))
        body = f"{T} | where TimeGenerated between (window_start .. window_end) | count"
        bound = kql.bind("count", "Count", body, window, "", {})
        counts.append((await engine.query(bound, MINUTE)).rows[0]["Count"])
    await engine.close()

    assert counts == [20, 20, 20, 20]


async def test_hours_are_forgotten_only_when_no_query_reads_them(tmp_path: Path) -> None:
    for hour in range(24):
        hour_file(tmp_path, hour).write_text(
            "".join(line(f"{n}", time=f"2026-11-23T{hour:02d}:00:00Z") for n in range(500))
        )
    engine = EmbeddedEngine(tmp_path, max_rows=1_000)

    async def count(hour: int) -> int:
        start = datetime(2026, 11, 23, hour, tzinfo=UTC)
        window = Window(start, start + timedelta(minutes=30))
        body = f"{T} | where TimeGenerated between (window_start .. window_end) | count"
        table = await engine.query(kql.bind("count", "Count", body, window, "", {}), MINUTE)
        found: int = table.rows[0]["Count"]
        return found

    counts = await asyncio.gather(*(count(hour) for hour in [*range(24), *reversed(range(24))]))
    kept = len((await engine.query_text(f"{T} | summarize by ConnectionId, TimeGenerated", WINDOW, MINUTE)).rows)
    await engine.close()

    assert (counts, kept) == ([500] * 48, 2_500)


async def test_many_questions_at_once_share_one_reading(tmp_path: Path) -> None:
    for hour in range(8, 13):
        hour_file(tmp_path, hour).write_text("".join(line(f"{hour}-{n}") for n in range(2000)))
    engine = EmbeddedEngine(tmp_path, max_rows=1)

    tables = await asyncio.gather(*(engine.query_text(f"{T} | count", WINDOW, MINUTE) for _ in range(12)))
    await engine.close()

    assert [table.rows for table in tables] == [({"Count": 8000},)] * 12


@pytest.mark.parametrize(
    ("hours", "loose", "expected"),
    [
        pytest.param((3, 7), None, ("03:00:00", "08:00:00"), id="the hours of an archive"),
        pytest.param((), "2026-11-23T05:00:01Z", ("05:00:01", "05:00:02"), id="the records of loose files"),
    ],
)
async def test_span_says_when_there_are_logs(
    tmp_path: Path, hours: tuple[int, ...], loose: str | None, expected: tuple[str, str]
) -> None:
    for hour in hours:
        hour_file(tmp_path, hour).write_text(line())
    if loose:
        (tmp_path / "a.json").write_text(line(time=loose))
    engine = EmbeddedEngine(tmp_path)
    span = await engine.span()
    await engine.close()

    assert span == Window(*(datetime.fromisoformat(f"2026-11-23T{each}+00:00") for each in expected))


def test_stopping_work_that_has_just_ended_is_no_failure() -> None:
    job = Job(duckdb.connect())
    job.connection.close()

    job.stop()

    with pytest.raises(Stopped):
        job.check()


async def test_a_query_without_end_is_stopped_and_the_engine_answers_again(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text("".join(line(str(n)) for n in range(30_000)))
    engine = EmbeddedEngine(tmp_path)
    await engine.query_text(IDS, WINDOW, MINUTE)
    pairs = (
        f"{T} | extend k = 1 | join kind=inner ({T} | extend k = 1) on k"
        " | summarize dcount(strcat(Message, ConnectionId, ConnectionId1))"
    )

    with pytest.raises(EngineTimeout):
        await engine.query_text(pairs, WINDOW, timedelta(milliseconds=200))
    after = await engine.query_text(f"{T} | count", WINDOW, MINUTE)
    await engine.close()

    assert after.rows == ({"Count": 30_000},)


HOSTILE = {
    "a plain id": "N-5kQ0aVtZ3rX1uY7wB9cDEabcdef1234",
    "quotes": "a\"b'c",
    "backslashes": "a\\b\\\\\\",
    "KQL": '"; SignalRServiceDiagnosticLogs | take 10; print "',
    "SQL": "'; DROP TABLE records; --",
    "a comment": "// x",
    "a placeholder": "$kqlp0",
    "an emoji": "\U0001f469\u200d\U0001f4bb",
    "10,000 characters": "x" * 10_000,
    "wildcards": "%_%",
    "mrkdwn": "<!channel>&amp;",
}


@pytest.mark.parametrize("value", HOSTILE.values(), ids=HOSTILE)
async def test_a_value_is_only_ever_a_value_on_both_roads(tmp_path: Path, value: str) -> None:
    (tmp_path / "a.json").write_text("".join(line(each) for each in HOSTILE.values()))
    engine = EmbeddedEngine(tmp_path)
    body = (
        f"{T} | where TimeGenerated between (window_start .. window_end)\n"
        "| where ConnectionId == wanted and n > 0\n| project ConnectionId"
    )
    bound = kql.bind(
        "one", "One", body, WINDOW, "", {"wanted": value, "n": 1, "unused": 1.5, "step": MINUTE, "on": True}
    )

    parameters = await engine.query(bound, MINUTE)
    text = await engine.query_text(bound.kql, WINDOW, MINUTE)
    await engine.close()

    assert (parameters.rows, text.rows) == (({"ConnectionId": value},),) * 2
