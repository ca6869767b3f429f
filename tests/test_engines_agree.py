"""The contract of the two engines: the same rows give the same report.

The real Azure client asks a local TLS endpoint that answers with the embedded engine, which there runs the whole
KQL text, `let` lines and all; the embedded engine itself binds the values as parameters instead.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot import catalog, kql
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.engines.log_analytics import LogAnalyticsEngine
from bot.errors import UsageError
from bot.model import Report, Verdict, Window
from bot.settings import Settings
from tests import rows
from tests.standins import log_analytics as azure
from tests.standins.log_analytics import LogAnalyticsStandIn, Reply
from tests.standins.log_analytics_bench import WORKSPACE, Token
from tests.test_cases import CASES


def backed_by(engine: EmbeddedEngine) -> azure.Answer:
    async def answer(text: str, span: azure.Timespan) -> tuple[Sequence[azure.Column], azure.Rows]:
        return azure.of_table(await engine.query_text(text, Window(*span)))

    return answer


def comparable(report: Report) -> Report:
    """`report` without how long things took, and without links to a portal that only one of the engines has."""
    ran = tuple(replace(each, engine=timedelta(0), portal_url="") for each in report.kql)
    return replace(report, kql=ran, total=timedelta(0), engine=timedelta(0))


QUESTION = "why-dropped me --from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"
NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)


async def both(given_rows: list[dict[str, Any]], question: str, folder: Path) -> tuple[Report, Report]:
    """The report of the embedded engine, and that of the Azure client over the same rows."""
    embedded = EmbeddedEngine(rows.write(folder / "logs.jsonl", given_rows))
    async with LogAnalyticsStandIn(backed_by(embedded)) as stand_in:
        remote = LogAnalyticsEngine(
            Settings(workspace_id=WORKSPACE, logs_endpoint=stand_in.endpoint, ca_bundle=stand_in.ca_file), Token()
        )
        reports = []
        for engine in (embedded, remote):
            core = Core(catalog.load(), engine, lambda: NOW, timedelta(seconds=60))
            report = await core.answer(question, UTC)
            assert isinstance(report, Report)
            reports.append(comparable(report))
        await remote.close()
    await embedded.close()
    return reports[0], reports[1]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_the_same_rows_give_the_same_report(case: dict[str, Any], tmp_path: Path) -> None:
    here, there = await both(case["rows"], case["ask"], tmp_path)
    # An archive knows the span of its logs by whole hours; a workspace is asked for its records.
    assert there == here


async def test_a_workspace_without_any_record_says_how_to_switch_logs_on() -> None:
    def nothing(text: str, span: azure.Timespan) -> tuple[list[azure.Column], azure.Rows]:
        return [("Collection", "string")], []

    async with LogAnalyticsStandIn(nothing) as stand_in:
        engine = LogAnalyticsEngine(
            Settings(workspace_id=WORKSPACE, logs_endpoint=stand_in.endpoint, ca_bundle=stand_in.ca_file), Token()
        )
        core = Core(catalog.load(), engine, lambda: NOW, timedelta(seconds=30))
        report = await core.answer(QUESTION, UTC)
        await core.close()
    assert isinstance(report, Report)
    assert (report.verdict, [finding.code for finding in report.findings]) == (Verdict.NO_DATA, ["no-logs"])


HOSTILE = [
    '" | take 0 //', "'; drop table SignalRServiceDiagnosticLogs; --", "\\", '\\"', "a\\nb", "{{ 7 * 7 }}", "$kqlp0",
    "<!channel> *b* `c`", "\N{PILE OF POO}" * 40, "x" * 10_000, "%s%n", "let x = 1;", "' or '1'='1", "]](http://e)",
]  # fmt: skip


@pytest.mark.parametrize("connection_id", HOSTILE, ids=[f"hostile id {number}" for number in range(len(HOSTILE))])
async def test_an_id_of_any_content_is_found_as_it_is_by_both(connection_id: str, tmp_path: Path) -> None:
    logged = [
        {"at": "10:05:00", "op": "ConnectionAborted", "id": connection_id, "Message": "Slow client"},
        {"at": "10:05:00", "op": "ConnectionAborted", "id": "other", "Message": "Connection ping timeout"},
    ]
    words = [
        "why-dropped", "--from", "2026-11-23T10:00Z", "--to", "2026-11-23T11:00Z", "--", connection_id,
    ]  # fmt: skip
    reports = await both(logged, words, tmp_path)  # type: ignore[arg-type]
    assert [each.findings[0].code for each in reports] == ["slow-client", "slow-client"]
    assert reports[0] == reports[1]


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(connection_id=st.text(min_size=1, max_size=200))
async def test_an_argument_never_changes_the_query(connection_id: str, archive: EmbeddedEngine) -> None:
    query = catalog.load().investigations["why-dropped"].opening
    window = Window(datetime(2026, 11, 23, 10, tzinfo=UTC), datetime(2026, 11, 23, 11, tzinfo=UTC))
    try:
        kql.clean(connection_id, "connection id")
    except UsageError:
        return
    bound = query.bind(window, "", {"connection_id": connection_id})
    asked = await archive.query(bound, timedelta(seconds=30))
    pasted = await archive.query_text(bound.kql, window)
    assert (len(asked.rows), asked) == (0, pasted)


@pytest.fixture
async def archive(tmp_path: Path) -> Any:
    engine = EmbeddedEngine(
        rows.write(
            tmp_path / "logs.jsonl",
            [{"at": "10:05:00", "op": "ConnectionAborted", "id": "\u0001never typed", "Message": "Slow client"}],
        )
    )
    yield engine
    await engine.close()


FAILURES = {
    "a partial result becomes a note": azure.partial("The query was cut short."),
    "throttling beyond the time left": azure.throttled("600"),
    "a missing table": azure.unresolved("SignalRServiceDiagnosticLogs"),
    "a time-out": azure.gateway_timeout(),
    "no access": azure.forbidden(),
    "a page instead of JSON": azure.page(502),
}


@pytest.mark.parametrize("reply", FAILURES.values(), ids=FAILURES.keys())
async def test_a_failure_ends_in_a_report_with_a_next_step(reply: Reply, tmp_path: Path) -> None:
    embedded = EmbeddedEngine(
        rows.write(tmp_path / "logs.jsonl", [{"at": "10:05:00", "op": "ConnectionStarted", "id": "me"}])
    )
    async with LogAnalyticsStandIn(backed_by(embedded)) as stand_in:
        stand_in.script = [reply] * 20
        engine = LogAnalyticsEngine(
            Settings(workspace_id=WORKSPACE, logs_endpoint=stand_in.endpoint, ca_bundle=stand_in.ca_file), Token()
        )
        core = Core(catalog.load(), engine, lambda: NOW, timedelta(seconds=5))
        report = await core.answer(QUESTION, UTC)
        await core.close()
    await embedded.close()
    assert isinstance(report, Report)
    if reply.error:
        assert any("The query was cut short." in note for note in report.notes)
    else:
        assert (report.verdict, bool(report.findings[0].meaning), bool(report.findings[0].fixes)) == (
            Verdict.ERROR,
            True,
            True,
        )
