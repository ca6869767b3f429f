"""user: what a table of cases does not say."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tests import cases

QUESTION = "user ann --from 2026-11-23T10:00Z --to 2026-11-23T11:00Z"
ROWS: list[dict[str, Any]] = [
    {"repeat": 360, "every": "10s", "at": "10:00:09", "op": "ServerlessModeEntered", "id": "pulse"},
    {"at": "10:05:00", "op": "ConnectionStarted", "id": "a", "UserId": "ann", "HubName": "chat"},
    {"at": "10:15:00", "op": "ConnectionAborted", "id": "a", "Message": "Connection aborted. Reason: Slow client"},
    {"at": "10:14:50", "op": "ConnectionStarted", "id": "b", "UserId": "ann", "HubName": "chat"},
    {
        "at": "10:16:00", "op": "MessageSent", "id": "b", "Collection": "Message", "MessageTracingId": 7,
        "Message": "Sent a message 7 to client connection b successfully.",
    },
]  # fmt: skip


async def test_the_timeline_holds_each_connection_with_its_end(tmp_path: Path) -> None:
    timeline = (await cases.answer(tmp_path, ROWS, QUESTION)).timeline
    assert timeline is not None
    assert [(row[7], row[2], row[3]) for row in timeline.rows] == [("a", "10m", "Slow client"), ("b", "", "")]


async def test_the_last_known_state_overlaps_and_messages_are_told(tmp_path: Path) -> None:
    facts = {fact.label: fact.value for fact in (await cases.answer(tmp_path, ROWS, QUESTION)).facts}
    assert [facts[label] for label in ("Last known state", "Connections", "Most at once", "Messages")] == [
        "Connected since 2026-11-23 10:14:50 UTC, as far as logged up to 2026-11-23 11:00:00 UTC.",
        "2, of these 0 ended with a goodbye, 1 dropped, 1 without an end",
        "2, since 2026-11-23 10:14:50 UTC",
        "1 to the user",
    ]


async def test_an_id_in_another_case_leads_to_the_question_about_it(tmp_path: Path) -> None:
    report = await cases.answer(tmp_path, ROWS, QUESTION.replace("ann", "ANN"))
    assert report.next_steps[0].command == "user ann --from 2026-11-23T10:00:00Z --to 2026-11-23T11:00:00Z"
