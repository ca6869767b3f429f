"""why-dropped: what a table of cases does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot.model import Report
from tests import cases

QUESTION = "why-dropped me --from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"


async def answer(tmp_path: Path, given: list[dict[str, Any]], question: str = QUESTION) -> Report:
    return await cases.answer(tmp_path, given, question)


async def test_a_user_who_came_back_is_timed(tmp_path: Path) -> None:
    report = await answer(
        tmp_path,
        [
            {"at": "10:01:00", "op": "ConnectionStarted", "id": "me", "UserId": "ann"},
            {"at": "10:05:00", "op": "ConnectionAborted", "id": "me", "UserId": "ann", "Message": "Slow client"},
            {"at": "10:05:07", "op": "ConnectionStarted", "id": "next", "UserId": "ann"},
        ],
    )
    facts = {fact.label: fact.value for fact in report.facts}
    assert (facts["Lifetime"], facts["Came back"]) == ("4m", "yes, after 7s as next")


@pytest.mark.parametrize(
    "records",
    [
        pytest.param(["Slow client", "Slow client."], id="in two wordings"),
        pytest.param(["Slow client", ""], id="once without its reason"),
        pytest.param(["Slow client", "Slow client"], id="twice"),
    ],
)
async def test_a_neighbour_counts_once_however_often_its_close_was_recorded(records: list[str], tmp_path: Path) -> None:
    logged = [{"at": "10:05:00", "op": "ConnectionAborted", "id": "me", "Message": "Slow client"}]
    logged += [
        {"repeat": 5, "at": "10:05:01", "op": "ConnectionAborted", "id": "n{n}", "Message": text} for text in records
    ]
    logged.append({"repeat": 5, "at": "10:05:01", "op": "EndConnectionFailed", "id": "n{n}", "Message": "Failed."})
    report = await answer(tmp_path, logged)
    assert "5 other clients with it" in report.headline
    assert "other reasons" not in report.findings[0].evidence[1].statement


async def test_a_neighbour_whose_end_reports_an_error_said_no_goodbye(tmp_path: Path) -> None:
    text = "Connection ended. Reason: Server reported error: boom"
    logged = [{"at": "10:05:00", "op": "ConnectionEnded", "id": "me", "Message": text}]
    logged.append({"repeat": 3, "at": "10:05:01", "op": "ConnectionEnded", "id": "n{n}", "Message": f"{text} {{n}}"})
    assert "3 other clients with it" in (await answer(tmp_path, logged)).headline


async def test_a_reason_of_its_own_is_counted_among_hundreds_of_others(tmp_path: Path) -> None:
    logged = [
        {"at": "10:05:00", "op": "ConnectionAborted", "id": "me", "Message": "zeta"},
        {"at": "10:05:00", "op": "ConnectionAborted", "id": "twin", "Message": "zeta"},
        {"repeat": 250, "at": "10:05:00", "op": "ConnectionAborted", "id": "n{n}", "Message": "alpha {n}"},
    ]
    statement = (await answer(tmp_path, logged)).findings[0].evidence[1].statement
    assert statement.startswith("1 other client connection ended for the same reason")
    assert "More than 200 different reasons" in statement


async def test_a_reason_nobody_knows_is_shown_word_for_word(tmp_path: Path) -> None:
    text = "Quota of <!channel> *exceeded* `now`"
    report = await answer(
        tmp_path,
        [{"at": "10:05:00", "op": "ConnectionAborted", "id": "me", "Message": f"Connection aborted. Reason: {text}"}],
    )
    assert text in report.headline
    assert text in report.findings[0].meaning


@pytest.mark.parametrize(
    ("typed", "logged"),
    [
        pytest.param("abcdefghij", "abcdefghijKLMN_op-99", id="a truncated id"),
        pytest.param("ABCDEFGHIJklmn", "abcdefghijKLMN", id="an id in another case"),
        pytest.param("xxabcdefghij", "abcdefghij", id="an id with something in front"),
        pytest.param("abcdefghijkl", "abcdefgXijkl", id="an id with one letter wrong"),
    ],
)
async def test_the_nearest_id_is_offered_as_the_next_step(typed: str, logged: str, tmp_path: Path) -> None:
    report = await answer(
        tmp_path,
        [{"at": "10:05:00", "op": "ConnectionStarted", "id": logged}],
        QUESTION.replace(" me ", f" {typed} "),
    )
    assert report.next_steps[0].command == QUESTION.replace(" me ", f" {logged} ").replace(":00Z", ":00:00Z")


async def test_the_report_keeps_the_kql_of_every_query_it_ran(tmp_path: Path) -> None:
    report = await answer(
        tmp_path, [{"at": "10:05:00", "op": "ConnectionAborted", "id": "me", "Message": "Slow client"}]
    )
    assert [ran.title for ran in report.kql] == [
        "The connection's own records",
        "What the logs hold in the window",
        "Other client connections that closed around the same time",
        "Server connections that closed just before",
        "Client connections that started in the window",
    ]
    starts = [ran.kql.partition("\n")[0].partition("T")[2][:8] for ran in report.kql]
    # What surrounds the end is looked for around it, wherever the window ends.
    assert starts == ["10:00:00", "10:00:00", "10:00:00", "10:04:00", "10:00:00"]
