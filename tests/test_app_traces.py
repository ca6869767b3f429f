"""`trace` reads what the app servers logged from AppTraces: a file beside the logs, or a table that may be missing."""

from __future__ import annotations

import csv
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import catalog
from bot.core import Core
from bot.engines import Engine
from bot.engines.embedded import EmbeddedEngine
from bot.engines.log_analytics import LogAnalyticsEngine
from bot.interpret import paths
from bot.interpret.paths import AppLine, Said, To
from bot.model import Report, Window
from bot.settings import Settings
from tests import cases, rows
from tests.standins import log_analytics as azure
from tests.standins.log_analytics import LogAnalyticsStandIn, Reply
from tests.standins.log_analytics_bench import WORKSPACE, Token

ID = 4611686018427387999
START = f"Start to broadcast message {ID}."
SUCCESS = f"Succeeded to send message {ID}."
AT = datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC)
WINDOW = Window(datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 11, tzinfo=UTC))
OTHERS = {
    "repeat": 50, "at": "10:00:10", "every": "1m", "op": "MessageSent", "Collection": "Message", "id": "c1",
    "MessageTracingId": "77309411{n}", "Message": "Sent a message 77309411{n} to client connection c1 successfully.",
}  # fmt: skip
UPWARD = [
    {
        "at": "10:20:30", "op": "MessageReceived", "Collection": "Message", "id": "c1", "MessageTracingId": ID,
        "Message": f"Received a message {ID} from client connection c1.",
    },
    {
        "at": "10:20:31", "op": "MessageSent", "Collection": "Message", "id": "s1", "ConnectionType": "Server",
        "MessageTracingId": ID, "Message": f"Sent a message {ID} to server connection s1 successfully.",
    },
]  # fmt: skip
Line = dict[str, Any]


def line(text: str, at: str = "10:20:30", *, items: int = 1, **properties: Any) -> Line:
    """A row of AppTraces."""
    return {
        "TimeGenerated": f"2026-11-23T{at}.1234567Z", "Message": text, "SeverityLevel": 1,
        "Properties": {"CategoryName": "Microsoft.Azure.SignalR.ServiceLifetimeManager", **properties},
        "AppRoleName": "chat", "AppRoleInstance": "web-1", "ItemCount": items, "Type": "AppTraces",
    }  # fmt: skip


def as_lines(path: Path, lines: Sequence[Line]) -> None:
    (path / "app.jsonl").write_text("".join(json.dumps(each) + "\n" for each in lines))


def as_array(path: Path, lines: Sequence[Line]) -> None:
    (path / "app.json").write_text(json.dumps(lines, indent=1))


def as_csv(path: Path, lines: Sequence[Line]) -> None:
    headings = {"TimeGenerated": "TimeGenerated [UTC]"}
    _csv(path, [{headings.get(name, name): value for name, value in each.items()} for each in lines])


def as_classic_csv(path: Path, lines: Sequence[Line]) -> None:
    classic = {
        "TimeGenerated": "timestamp [UTC]", "Message": "message", "SeverityLevel": "severityLevel",
        "Properties": "customDimensions", "AppRoleInstance": "cloud_RoleInstance", "ItemCount": "itemCount",
    }  # fmt: skip
    _csv(path, [{classic[name]: value for name, value in each.items() if name in classic} for each in lines])


def _csv(path: Path, lines: Sequence[Line]) -> None:
    with (path / "app.csv").open("w", newline="", encoding="utf-8") as file:
        writer = csv.DictWriter(file, lines[0])
        writer.writeheader()
        writer.writerows({**each, **_texts(each)} for each in lines)


def _texts(line: Line) -> Line:
    return {name: json.dumps(value) for name, value in line.items() if isinstance(value, dict)}


def as_archive(path: Path, lines: Sequence[Line]) -> None:
    """As a diagnostic setting of Application Insights files them, under a resource of its own."""
    component = "/SUBSCRIPTIONS/S/RESOURCEGROUPS/RG/PROVIDERS/MICROSOFT.INSIGHTS/COMPONENTS/CHAT"
    folder = path / f"insights-logs-apptraces/resourceId={component}/y=2026/m=11/d=23/h=10/m=00"
    folder.mkdir(parents=True)
    records = ({**each, "time": each["TimeGenerated"], "resourceId": component} for each in lines)
    for record in (written := list(records)):
        del record["TimeGenerated"]
    (folder / "PT1H.json").write_text("".join(json.dumps(each) + "\n" for each in written))


async def answered(engine: Engine, question: str = f"trace {ID} {cases.WINDOW}") -> Report:
    core = Core(catalog.load(), engine, lambda: datetime.fromisoformat(cases.NOW), timedelta(seconds=60))
    try:
        report = await core.answer(question, UTC)
    finally:
        await core.close()
    assert isinstance(report, Report)
    return report


@pytest.mark.parametrize(
    ("write", "question"),
    [
        pytest.param(as_lines, f"trace {ID} {cases.WINDOW}", id="JSON lines"),
        pytest.param(as_array, f"trace {ID} {cases.WINDOW}", id="a JSON array"),
        pytest.param(as_csv, f"trace {ID} {cases.WINDOW}", id="CSV of the workspace"),
        pytest.param(as_classic_csv, f"trace {ID} {cases.WINDOW}", id="CSV with the classic names"),
        pytest.param(as_archive, f"trace {ID} {cases.WINDOW}", id="a storage archive of Application Insights"),
        pytest.param(
            as_archive, f"trace {ID} {cases.WINDOW} --resource=chat-prod", id="its archive, and the resource is named"
        ),
    ],
)
async def test_lines_of_a_file_beside_the_logs_complete_the_trace(
    tmp_path: Path, write: Callable[[Path, Sequence[Line]], None], question: str
) -> None:
    rows.write(tmp_path / "logs.jsonl", [OTHERS])
    write(tmp_path, [line(START, "10:20:29"), line(SUCCESS), line("Start to broadcast message 12.")])

    report = await answered(EmbeddedEngine(tmp_path), question)

    [proof] = [each for each in report.findings[0].evidence if each.step == paths.APP_LINES]
    assert (report.verdict, report.findings[0].code, report.coverage[0].rows, proof.statement, proof.rows) == (
        "finding",
        "lost-to-service",
        50,
        "2 lines of AppTraces are about it.",
        (
            (AT.replace(second=29, microsecond=123456), "web-1", START),
            (AT.replace(microsecond=123456), "web-1", SUCCESS.rstrip(".")),
        ),
    )


async def test_an_unfilled_template_is_found_by_its_properties(tmp_path: Path) -> None:
    rows.write(tmp_path / "logs.jsonl", UPWARD)
    template = "Received message {tracingId} from client connection {connectionId}."
    as_lines(tmp_path, [line(template, tracingId=str(ID), connectionId="c1", OriginalFormat=template)])

    report = await answered(EmbeddedEngine(tmp_path))

    assert (report.verdict, [finding.code for finding in report.findings]) == ("ok", ["received-by-server"])


async def test_a_sample_of_the_lines_does_not_show_that_one_is_missing(tmp_path: Path) -> None:
    rows.write(tmp_path / "logs.jsonl", [OTHERS])
    as_lines(tmp_path, [line(START, items=5)])

    report = await answered(EmbeddedEngine(tmp_path))

    assert (report.verdict, report.headline) == (
        "undecided",
        "Can't be decided: AppTraces holds only a sample of the app server's lines.",
    )


@pytest.mark.parametrize("write", [pytest.param(as_lines, id="JSON lines"), pytest.param(as_archive, id="an archive")])
async def test_lines_of_app_servers_are_no_records_of_the_service(
    tmp_path: Path, write: Callable[[Path, Sequence[Line]], None]
) -> None:
    write(tmp_path, [line(START), line("Connection aborted", collection="Connection", message="Slow client")])

    report = await answered(EmbeddedEngine(tmp_path), f"drops {cases.WINDOW}")

    assert (report.verdict, report.coverage) == ("no_data", ())


ROW = {"TimeGenerated": AT, "Message": "", "details": "", "AppRoleInstance": "web-1", "ItemCount": 1}


@pytest.mark.parametrize(
    ("row", "expected"),
    [
        pytest.param({"Message": START}, AppLine(Said.STARTED, ID, START, AT, To.ALL), id="a line with its id"),
        pytest.param(
            {"Message": "Start to broadcast message {tracingId}.", "details": f'{{"tracingId": {ID}}}'},
            AppLine(Said.STARTED, ID, START, AT, To.ALL),
            id="a template and a number",
        ),
        pytest.param(
            {
                "details": json.dumps(
                    {"{OriginalFormat}": "Start to broadcast message {TracingId}.", "TracingId": str(ID)}
                )
            },
            AppLine(Said.STARTED, ID, START, AT, To.ALL),
            id="nothing but properties",
        ),
        pytest.param(
            {"Message": START, "ItemCount": 3},
            AppLine(Said.STARTED, ID, START, AT, To.ALL, sampled=True),
            id="a sample",
        ),
        pytest.param(
            {"Message": START, "ItemCount": None, "details": "{not JSON"},
            AppLine(Said.STARTED, ID, START, AT, To.ALL),
            id="no count, and properties that are no JSON",
        ),
        pytest.param({"Message": f"Handled {ID}"}, None, id="another line that names the id"),
        pytest.param({"Message": f"{'x' * 30_000}{START}"}, None, id="a line too long to be read"),
    ],
)
def test_a_row_is_read_as_the_line_it_holds(row: Line, expected: AppLine | None) -> None:
    [found] = [*paths.collected([{**ROW, **row}])] or [None]
    wanted = expected and AppLine(
        expected.said, expected.trace, expected.text, expected.at, expected.to, expected.name, expected.excluding,
        "web-1", paths.APP_LINES, expected.sampled,
    )  # fmt: skip
    assert found == wanted


Asked = Callable[[str, azure.Timespan], Any]


def workspace(engine: EmbeddedEngine, refusal: Reply | None) -> Asked:
    """A workspace with the rows of `engine`; `refusal` is what it says to a query on AppTraces, if not rows."""

    async def answer(text: str, span: azure.Timespan) -> Any:
        if refusal and "\nAppTraces\n" in text:
            return refusal
        return azure.of_table(await engine.query_text(text, Window(*span)))

    return answer


async def asked(folder: Path, refusal: Reply | None) -> Report:
    """What the real Azure client makes of a workspace with the logs in `folder`."""
    embedded = EmbeddedEngine(folder)
    async with LogAnalyticsStandIn(workspace(embedded, refusal)) as stand_in:
        settings = Settings(workspace_id=WORKSPACE, logs_endpoint=stand_in.endpoint, ca_bundle=stand_in.ca_file)
        report = await answered(LogAnalyticsEngine(settings, Token()))
    await embedded.close()
    return report


async def test_the_table_of_a_workspace_is_asked_beside_the_records(tmp_path: Path) -> None:
    rows.write(tmp_path / "logs.jsonl", UPWARD)
    as_lines(tmp_path, [line(f"Received message {ID} from client connection c1.", "10:20:31")])

    report = await asked(tmp_path, None)

    assert (report.verdict, report.findings[0].code, [each.name for each in report.kql], report.notes) == (
        "ok",
        "received-by-server",
        ["opening", "coverage", "receivers", "app_lines"],
        (),
    )


@pytest.mark.parametrize(
    "refusal",
    [
        pytest.param(azure.unresolved("AppTraces"), id="it has no such table"),
        pytest.param(azure.semantic_error("The table is on the Basic plan"), id="its plan allows no such query"),
        pytest.param(azure.forbidden(), id="the bot may not read it"),
    ],
)
async def test_a_workspace_that_does_not_give_the_table_is_no_error(tmp_path: Path, refusal: Reply) -> None:
    rows.write(tmp_path / "logs.jsonl", UPWARD)

    report = await asked(tmp_path, refusal)

    gap = next(gap for gap in report.gaps if gap.question == "Whether the app server received it")
    assert (report.verdict, report.findings[0].code, [each.name for each in report.kql], report.notes, gap.reason) == (
        "ok",
        "passed-to-server",
        ["opening", "coverage", "receivers"],
        (),
        "The service does not see what happens inside the app server. The app server's log was not attached.",
    )
