"""Reports, pages and errors as Slack messages: within every limit, and never read as markup."""

from __future__ import annotations

import json
import re
from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.errors import BotError, UsageError
from bot.model import NextStep, Page
from bot.render import blocks
from bot.render.fitting import Message
from tests.standins import block_kit, reports

MESSAGES = {
    "a finding": lambda: blocks.report(reports.finding_report()),
    "an undecided answer": lambda: blocks.report(reports.undecided_report()),
    "no data": lambda: blocks.report(reports.no_data_report()),
    "an engine failure": lambda: blocks.report(reports.error_report()),
    "a good ending": lambda: blocks.report(reports.ok_report()),
    "ten thousand rows and two hundred findings": lambda: blocks.report(reports.huge_report()),
    "hostile text everywhere": lambda: blocks.report(reports.hostile_report()),
    "empty text everywhere": lambda: blocks.report(reports.hostile_report("")),
    "ten thousand characters everywhere": lambda: blocks.report(reports.hostile_report("x" * 10_000)),
    "emoji beyond the basic plane everywhere": lambda: blocks.report(reports.hostile_report("\U0001f600" * 3_000)),
    "a shared report": lambda: blocks.report(reports.finding_report(), shareable=False, shared_by="U0000000001"),
    "the help page": lambda: blocks.page(reports.help_page()),
    "a page of a thousand lines": lambda: blocks.page(Page("Help", [("/signalr x", "y" * 90)] * 1_000)),
    "an empty page": lambda: blocks.page(Page("")),
    "a usage error": lambda: blocks.sorry(UsageError("No.", "Try this.", ("why-dropped a",))),
    "an error with hostile words": lambda: blocks.sorry(BotError(reports.HOSTILE * 100, reports.HOSTILE * 100)),
    "an error without words": lambda: blocks.sorry(BotError("", "")),
    "a working line": lambda: blocks.working(reports.HOSTILE * 50),
    "a note": lambda: blocks.note("x" * 10_000),
    "the KQL": lambda: blocks.kql(reports.finding_report()),
    "KQL too long for a message": lambda: blocks.kql(reports.hostile_report("x" * 20_000)),
}


@pytest.mark.parametrize("make", MESSAGES.values(), ids=MESSAGES.keys())
def test_slack_takes_every_message(make: Any) -> None:
    message: Message = make()
    assert block_kit.problems({"text": message.text, "blocks": message.blocks}) == []


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=400))
def test_no_text_can_make_a_message_that_slack_refuses(text: str) -> None:
    message = blocks.report(reports.hostile_report(text))
    assert block_kit.problems({"text": message.text, "blocks": message.blocks}) == []


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="<>&!@#*_~`:|channel \n", max_size=200))
def test_no_text_becomes_markup_or_a_mention(text: str) -> None:
    message = blocks.report(reports.hostile_report(text))
    plain = blocks.report(reports.hostile_report("harmless"))
    assert (_markup(message.blocks), re.findall("[<>]", message.text)) == (_markup(plain.blocks), [])


def _markup(value: Any) -> list[str]:
    """Everything in a message that Slack interprets."""
    found: list[str] = []
    match value:
        case {"type": "mrkdwn", "text": text}:
            found.append(text)
        case {"type": "emoji", "name": name}:
            found.append(name)
        case {"type": "link" | "user" | "broadcast"}:
            found.append(json.dumps(value))
        case {"type": "plain_text", "emoji": True}:
            found.append("a text with emoji")
        case dict():
            found += [each for inner in value.values() for each in _markup(inner)]
        case list():
            found += [each for inner in value for each in _markup(inner)]
    return found


def test_a_finding_reads_in_the_order_a_person_needs_it() -> None:
    assert _read(blocks.report(reports.finding_report())) == EXPECTED.strip()


EXPECTED = """
# Dropped by a ping timeout after 12 min 4 s, with 35 others from one network
(:red_circle: *Finding (error)* | 2026-11-23 10:00 to 12:00 UTC | chat-prod)
Cause: ping timeout (certain: a record states it) · Owner: the network
Also: connection limit (certain: a record states it); owner: the plan (tier and units)
:red_circle: The service stopped hearing pings from this client
36 connections, 2026-11-23 10:00 to 10:00:40 UTC; network 198.51.100.0/24
The service closes a connection when it hears nothing for a while. Usually the network between the two ends dropped \
packets, the client's machine slept, or its process was too busy to answer.
What to do
- Check the network at 198.51.100.7: proxy idle timeouts, VPN, Wi-Fi.
- Turn on automatic reconnect in the client.
- Unexpected connection dropping
<line Connections dropped: Client, Server; 10:00>
---
Connection: 5gHk_r2Lq-0Zw1   Lifetime: 12 min 4 s   User: kim@example.com   Address: 198.51.100.7
Hub: chat   Transport: WebSockets   Came back: after 8 s, as 7xTT_Zq1
Evidence
- The ending: One record states it: Connection ping timeout.
- Who else: 36 of 41 drops within a minute came from 198.51.100.0/24.
Timeline
On 2026-11-23 (UTC). The same in these rows: From 198.51.100.7.
TimeGenerated | OperationName | Message
10:00:00.120 | ConnectionConnected | Connection connected
10:01:00.120 | ConnectionAborted | Connection aborted. Reason: Connection ping timeout.
Ruled out: connection limit
Not ruled out: wrong audience (No Authorization record was logged in the window)
What these logs cannot show, and where to look
- Did the client's process stall? The client's own log. Client logging
Records arrive up to 10 minutes late: this answer may change until 2026-11-23 12:10 UTC.
3 lines of the archive could not be read.
(Without 2 more rows of evidence. Full report has everything.)
[See this network's drops] [Follow this user]
[Share to channel] [Full report] [Show KQL] [Open in Log Analytics]
Asked: /signalr why-dropped 5gHk_r2Lq-0Zw1 --from 2026-11-23T10:00Z --to 2026-11-23T12:00Z
"""


def _read(message: Message) -> str:
    """The message as lines of text: `#` a header, `()` a context, `[]` a button."""
    return "\n".join(_line(block) for block in message.blocks)


def _line(block: dict[str, Any]) -> str:
    match block["type"]:
        case "header":
            return f"# {block['text']['text']}"
        case "divider":
            return "---"
        case "data_visualization":
            chart = block["chart"]
            ends = chart["axis_config"]["categories"]
            return f"<{chart['type']} {block['title']}: {', '.join(s['name'] for s in chart['series'])}; {ends[0]}>"
        case "context":
            return f"({' | '.join(each['text'] for each in block['elements'])})"
        case "actions":
            return " ".join(f"[{each['text']['text']}]" for each in block["elements"])
        case "table":
            return "\n".join(" | ".join(_line(cell) for cell in row) for row in block["rows"])
        case "rich_text":
            return "\n".join(_line(part) for part in block["elements"])
        case "rich_text_list":
            return "\n".join(f"- {_line(item)}" for item in block["elements"])
        case "rich_text_section" | "rich_text_preformatted":
            return "".join(_line(piece) for piece in block["elements"])
        case "emoji":
            return f":{block['name']}:"
        case "user":
            return f"@{block['user_id']}"
        case _:
            return str(block["text"])


@pytest.mark.parametrize(
    ("error", "said"),
    [
        pytest.param(
            UsageError("There is no subcommand “drop”.", "why-dropped abc 2h", ("drops 2h",)),
            ":warning: There is no subcommand “drop”.\nFor example: /signalr why-dropped abc 2h\n[/signalr drops 2h]",
            id="a line that works is set as what to type",
        ),
        pytest.param(
            BotError("The workspace is not there.", "Check its id."),
            ":warning: The workspace is not there.\nCheck its id.",
            id="a sentence stays a sentence",
        ),
    ],
)
def test_an_error_says_what_to_do_next(error: BotError, said: str) -> None:
    assert _read(blocks.sorry(error)) == said


def test_an_undecided_answer_begins_with_what_it_could_be() -> None:
    assert _read(blocks.report(reports.undecided_report())).splitlines()[2:5] == [
        "What it could be, likeliest first",
        "- Ping timeout: Its neighbours timed out. Would decide it: The client's own log.",
        "- Reload: A reload began a minute later. Would decide it: The activity log.",
    ]


@pytest.mark.parametrize(
    ("rows", "said"),
    [
        pytest.param(12, (), id="twelve rows are all shown"),
        pytest.param(
            10_000,
            ("showing 12 of 10,000 rows, the first and the last",),
            id="of ten thousand rows the first and the last are shown, and the count is said",
        ),
    ],
)
def test_rows_are_never_cut_silently(rows: int, said: tuple[str, ...]) -> None:
    report = replace(reports.undecided_report(), timeline=reports.timeline(rows))
    assert blocks.report(report).left_out == said


def test_the_middle_of_a_long_table_says_how_many_rows_it_stands_for() -> None:
    report = replace(reports.undecided_report(), timeline=reports.timeline(10_000))
    table = next(block for block in blocks.report(report).blocks if block["type"] == "table")
    assert [_line(row[0]) for row in table["rows"][4:7]] == [
        "10:03:00.120",
        "… 9,988 more",
        "11:32:00.120",
    ]


@pytest.mark.parametrize(
    ("command", "buttons"),
    [
        pytest.param("drops", ["run:0", "share", "full", "kql", "link:portal"], id="a short command fits its buttons"),
        pytest.param("x" * 2_001, ["link:portal"], id="a command too long for a button has none"),
    ],
)
def test_buttons_carry_the_command_line(command: str, buttons: list[str]) -> None:
    report = replace(reports.finding_report(), command=command, next_steps=(NextStep("Ask", command),))
    rows = [block["elements"] for block in blocks.report(report).blocks if block["type"] == "actions"]
    assert [button["action_id"] for row in rows for button in row] == buttons


def test_a_step_too_long_for_a_button_is_written_out() -> None:
    report = replace(reports.finding_report(), next_steps=(NextStep("Ask", "drops " + "x" * 2_000),))
    assert "Try\n- /signalr drops xxx" in _read(blocks.report(report))


def test_who_shared_a_report_is_named_and_nobody_can_share_it_again() -> None:
    lines = _read(blocks.report(reports.ok_report(), shareable=False, shared_by="U0000000001")).splitlines()
    assert (lines[-2], lines[-1][-25:]) == (
        "[Full report] [Show KQL] [Open in Log Analytics]",
        " · Shared by @U0000000001",
    )
