"""Log lines that come with a question: pasted below the command in chat, or with --log on the command line."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from bot import catalog, cli, command
from tests import rows

TRACE = "134217729"
SDK = "Microsoft.Azure.SignalR.ServiceLifetimeManager"
PASTED = f"2026-11-23T10:30:00.120Z info: {SDK}[0]\n      Start to broadcast message {TRACE}."
SUCCEEDED = f"2026-11-23T10:30:00.125Z info: {SDK}[110]\n      Succeeded to send message {TRACE}."
SENT = "Received a BroadcastDataMessage message {n} from server connection s."
VERBS = catalog.load().verbs


@pytest.mark.parametrize(
    ("line", "divided"),
    [
        pytest.param(f"trace 7 2h\n{PASTED}", ("trace 7 2h", PASTED), id="lines below a command that takes them"),
        pytest.param("trace 7 2h", ("trace 7 2h", ""), id="a command alone"),
        pytest.param("why-dropped\nabc", ("why-dropped\nabc", ""), id="a command that takes none"),
        pytest.param('trace "7\n8"', ('trace "7\n8"', ""), id="a quoted text over two lines"),
    ],
)
def test_a_chat_text_is_a_command_and_what_is_pasted_below(line: str, divided: tuple[str, str]) -> None:
    assert command.divided(line, VERBS) == divided


def test_a_file_of_app_server_lines_closes_the_legs_the_service_cannot_see(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    logs = rows.write(
        tmp_path / "logs.jsonl",
        [{"repeat": 60, "every": "1m", "at": "10:00:00", "op": "m", "Collection": "Message", "Message": SENT}],
    )
    (tmp_path / "app.log").write_text(f"{PASTED}\n{SUCCEEDED}\n", encoding="utf-8")
    asked = ["trace", TRACE, "--from", "2026-11-23T10:00Z", "--to", "2026-11-23T11:00Z", "--logs", str(logs), "--json"]
    causes = []
    for more in ([], ["--log", str(tmp_path / "app.log")]):
        cli.main([*asked, *more])
        report = json.loads(capsys.readouterr().out)
        causes.append(report["cause"]["code"] if report["cause"] else None)
    assert causes == [None, "lost-to-service"]


def test_a_question_without_use_for_a_log_says_which_command_has_one(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    status = cli.main(["drops", "--log", "app.log", "--logs", str(tmp_path), "--json"])
    error = json.loads(capsys.readouterr().out)["error"]
    assert (status, error["message"], error["hint"]) == (
        2,
        "drops reads no app-server log.",
        "explain --file app.log",
    )
