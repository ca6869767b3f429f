"""App servers' tracing lines, as every usual logger writes them, and ids of messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from bot.interpret import paths
from bot.interpret.paths import AppLine, Said, To

AT = datetime(2026, 11, 23, 10, 20, 30, tzinfo=UTC)
ID = 1083944604710993938


@pytest.mark.parametrize(
    ("attached", "line"),
    [
        pytest.param(
            f"2026-11-23T10:20:30Z info: Microsoft.Azure.SignalR.ServiceLifetimeManager[20]\n"
            f"      Start to broadcast message {ID} to group room 1.\n",
            AppLine(Said.STARTED, ID, f"Start to broadcast message {ID} to group room 1.", AT, To.GROUP, "room 1"),
            id="the console's two lines",
        ),
        pytest.param(
            f'2026-11-23 11:20:30.000 +01:00 [INF] Start to send message {ID} to user "ada".',
            AppLine(Said.STARTED, ID, f'Start to send message {ID} to user "ada".', AT, To.USER, "ada"),
            id="Serilog's text, with quotes and an offset",
        ),
        pytest.param(
            f'{{"@t":"2026-11-23T10:20:30Z","@mt":"Succeeded to send message {{tracingId}}.","tracingId":{ID}}}',
            AppLine(Said.SUCCEEDED, ID, f"Succeeded to send message {ID}", AT),
            id="JSON with an unfilled template",
        ),
        pytest.param(
            f"2026-11-23 10:20:30 UTC|INFO|[Microsoft.Azure.SignalR]Received message {ID} from client connection c1.",
            AppLine(Said.RECEIVED, ID, f"Received message {ID} from client connection", AT),
            id="pipes, and a client's message",
        ),
        pytest.param(
            f"10:20:30 Start to broadcast message {ID} to group a except for 1 connections c1.",
            AppLine(
                Said.STARTED,
                ID,
                f"Start to broadcast message {ID} to group a except for 1 connections c1.",
                None,
                To.GROUP,
                "a",
                True,
            ),
            id="a time without a day or zone is no moment",
        ),
        pytest.param(
            f"Start to send message {ID} to add connection c1 to group a.",
            AppLine(
                Said.STARTED, ID, f"Start to send message {ID} to add connection c1 to group a.", None, To.CHANGE, "c1"
            ),
            id="a join",
        ),
        pytest.param(
            f"Start to broadcast message {ID}.",
            AppLine(Said.STARTED, ID, f"Start to broadcast message {ID}.", None, To.ALL),
            id="a broadcast to all",
        ),
        pytest.param(
            f"Start to send message {ID} to 2 users ada, bob.",
            AppLine(Said.STARTED, ID, f"Start to send message {ID} to 2 users ada, bob.", None, To.OTHER),
            id="several receivers",
        ),
    ],
)
def test_a_line_of_an_app_server_is_read(attached: str, line: AppLine) -> None:
    assert list(paths.app_lines(attached)) == [line]


@pytest.mark.parametrize(
    "attached",
    [
        pytest.param("Failed to send message (null).", id="no id"),
        pytest.param("Succeeded to send message 99999999999999999999.", id="an id that is too large"),
        pytest.param(
            f"Received a BroadcastDataMessage message {ID} from server connection s1.", id="the service's line"
        ),
        pytest.param('{"a":' * 100_000, id="JSON without an end"),
        pytest.param("message \x00\ud800 {", id="broken text"),
        pytest.param("", id="nothing"),
    ],
)
def test_what_is_no_tracing_line_is_passed_over(attached: str) -> None:
    assert list(paths.app_lines(attached)) == []


@pytest.mark.parametrize(
    ("trace", "parts"),
    [
        pytest.param(ID, (252375520, 18, ID), id="an id of the SDK"),
        pytest.param(2**64 - 1, (2**32 - 1, 2**32 - 1, -1), id="the largest is negative in a signed column"),
    ],
)
def test_an_id_is_a_process_a_number_and_what_the_column_holds(trace: int, parts: tuple[int, int, int]) -> None:
    assert (paths.prefix(trace), paths.counter(trace), paths.stored(trace)) == parts
