"""`explain`: pasted text in, a verdict with its causes out; cases in tests/cases/explain*.toml."""

from __future__ import annotations

import io
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from bot import explain
from bot.cli import main
from bot.errors import CatalogError, UsageError
from bot.explain import source, templates, voices
from bot.model import Window

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CASES: list[dict[str, Any]] = [
    case
    for path in sorted((Path(__file__).parent / "cases").glob("explain*.toml"))
    for case in tomllib.loads(path.read_text())["case"]
]
LINE = """
[[line]]
code = "a"
match = ["Something known happened"]
speaker = "client"
leg = "client"
role = "normal"
title = "t"
meaning = "m"
"""
VOICES = r"""
trouble = ['fail']
calm = ['info']
elsewhere = ['npm']

[[voice]]
code = "chat"
names = ['Chat\.']
speaker = "client"
leg = "client"
title = "t"
meaning = "m"
candidates = [["net/client-network", "w", "n"]]
"""
SIGNS = "[signs]\nours = ['negotiate']\nnames = ['signalr']\nothers = ['kubelet']\n"


@pytest.mark.parametrize("case", [pytest.param(case, id=case["name"]) for case in CASES])
def test_pasted_text_is_explained(case: dict[str, Any]) -> None:
    report = explain.explain(case["text"], now=NOW)
    wanted = case.get("candidates", [])
    ranked = [f"{each.family}/{each.code}" for each in report.candidates][: len(wanted)]
    assert {
        "verdict": report.verdict.value,
        "cause": f"{report.cause.family}/{report.cause.code}" if report.cause else "",
        "candidates": ranked,
        "codes": [finding.code for finding in report.findings],
        "next": report.next_steps[0].command,
    } == {
        "verdict": case["verdict"],
        "cause": case.get("cause", ""),
        "candidates": wanted,
        "codes": case["codes"],
        "next": case["next"],
    }


def test_thousands_of_consequences_are_counted_and_not_listed() -> None:
    lost = "Service timeout. 30000.00ms elapsed without receiving a message from service."
    sends = "The connection is not active, data cannot be sent to the service.\n" * 28_000
    report = explain.explain(f"{lost}\n{sends}", now=NOW)
    assert [(finding.code, finding.evidence[0].statement) for finding in report.findings] == [
        ("sdk-service-timeout", "1 line says this."),
        ("not-active", "28,000 lines say this."),
    ]


def test_what_a_line_says_about_itself() -> None:
    report = explain.explain("Sent a message 9007199254740993 to client connection N-1 successfully.", now=NOW)
    assert {fact.label: fact.value for fact in report.facts} == {
        "Known text": "Sent a message {tracing} to client connection {connection} successfully",
        "Who speaks": "Azure SignalR Service",
        "About": "service to client",
        "What it is": "an ordinary line, no trouble",
        "Connection id": "N-1",
        "Tracing id": "9007199254740993",
    }


@pytest.mark.parametrize(
    ("text", "window"),
    [
        pytest.param("Connection started", Window.ending(NOW, timedelta(hours=1)), id="the last hour without a time"),
        pytest.param(
            '{"time":"2026-11-20T10:00:00Z","properties":{"message":"Connection started"}}',
            Window(datetime(2026, 11, 20, 10, tzinfo=UTC), datetime(2026, 11, 20, 10, 0, 1, tzinfo=UTC)),
            id="the line's own time",
        ),
        pytest.param(
            '{"time":"9999-12-31T23:59:59.9Z","properties":{"message":"Connection started"}}',
            Window.ending(NOW, timedelta(hours=1)),
            id="the last hour for a time that no clock shows",
        ),
    ],
)
def test_the_window_is(text: str, window: Window) -> None:
    assert explain.explain(text, now=NOW).window == window


@pytest.mark.parametrize(
    "text",
    [
        pytest.param("wss://a.example.com/client/?hub=chat&access_token=a-secret-of-someone", id="a token in a URL"),
        pytest.param("Endpoint=https://a.example.com;AccessKey=a-secret-of-someone;", id="a connection string"),
        pytest.param("https://a.example.com/runtime/webhooks/signalr?code=a-secret-of-someone", id="an upstream's key"),
        pytest.param("Authorization: Bearer a-secret-of-someone", id="a header"),
    ],
)
def test_no_secret_comes_back(text: str) -> None:
    report = explain.explain(f"Connection started\n{text}\nWebSocket connection to '{text}' failed", now=NOW)
    assert "a-secret-of-someone" not in str(report)


def test_text_that_says_nothing_is_refused() -> None:
    with pytest.raises(UsageError, match="no text to explain"):
        explain.explain(" \n\u200b", now=NOW)


@pytest.mark.parametrize(
    ("line", "text"),
    [
        pytest.param("explain Error: <https://a.example.com|a.example.com> &lt;gone&gt;", "Error: a.example.com <gone>",
                     id="Slack's marks undone"),
        pytest.param("/signalr Explain ```{\"type\":7}```", '{"type":7}', id="a code fence"),
        pytest.param("explain \"it's\" 'so", "\"it's\" 'so", id="quotes that do not close"),
        pytest.param("explain", None, id="nothing"),
        pytest.param("explained it", None, id="another word"),
        pytest.param("why-dropped explain", None, id="another command"),
        pytest.param(["explain", "a b", "c"], "a b c", id="words of a shell"),
    ],
)  # fmt: skip
def test_the_raw_text_of_a_command_line_is(line: str | list[str], text: str | None) -> None:
    assert explain.pasted(line) == text


def test_a_short_text_is_asked_again_by_its_command() -> None:
    text = 'Error: "a" <b> & \\c'
    assert explain.pasted(explain.command(text)) is not None


def test_a_long_text_is_named_and_has_to_be_pasted_again() -> None:
    line = explain.command("a long line " * 1_000)
    with pytest.raises(UsageError, match="paste it again"):
        explain.pasted(line)


@pytest.mark.parametrize(
    ("words", "text"),
    [
        pytest.param(["a", "b"], "a b", id="words"),
        pytest.param([], "from a pipe", id="standard input without words"),
        pytest.param(["--file", "-"], "from a pipe", id="standard input by name"),
        pytest.param(["--file=-"], "from a pipe", id="standard input behind an equals sign"),
    ],
)
def test_the_command_line_takes_its_text_from(words: list[str], text: str) -> None:
    assert source.text(words, io.BytesIO(b"from a pipe")) == text


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "utf-16"])
def test_a_file_is_read_however_it_was_saved(tmp_path: Path, encoding: str) -> None:
    path = tmp_path / "app.log"
    path.write_text("Connexion fermée", encoding=encoding)
    assert source.text(["--file", str(path)], io.BytesIO()) == "Connexion fermée"


@pytest.mark.parametrize(
    "words",
    [
        pytest.param(["--file"], id="no file"),
        pytest.param(["--file", "nowhere.log"], id="a file that is not there"),
        pytest.param(["--file", "a", "b"], id="two files"),
        pytest.param(["--file", "\0"], id="a name that none can have"),
    ],
)
def test_a_file_that_cannot_be_read_is_said(words: list[str]) -> None:
    with pytest.raises(UsageError):
        source.text(words, io.BytesIO())


def test_the_command_line_explains_without_any_logs(capsys: pytest.CaptureFixture[str]) -> None:
    status = main(["explain", "Message count reaches limit.", "--fail-on-finding"])
    assert (status, "message quota" in capsys.readouterr().out) == (1, True)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("title", "titel"), "lacks title", id="a missing key"),
        pytest.param(('title = "t"', 'title = "t"\nnote = "x"'), "does not know note", id="an unknown key"),
        pytest.param(('"normal"', '"cause"'), "decides for a cause", id="a cause without one"),
        pytest.param(('"a"', '"A b"'), "kebab-case", id="a code with a space"),
        pytest.param(("Something known happened", "{all*}"), "no word of three letters", id="a text that fits all"),
        pytest.param(("Something known", "Something{x*}known"), "beside a letter", id="a hole inside a word"),
        pytest.param(('meaning = "m"', 'meaning = "m"\nafter = ["b"]'), "which is no entry", id="a code nobody has"),
        pytest.param(("others = ['kubelet']", ""), "lacks a list", id="signs of which one kind is missing"),
        pytest.param(("'kubelet'", "'kube('"), "lacks a list", id="a sign that is no regular expression"),
    ],
)
def test_a_table_with_a_mistake_is_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    (tmp_path / "a.toml").write_text(LINE.replace(*change))
    (tmp_path / "signs.toml").write_text(SIGNS.replace(*change))
    with pytest.raises(CatalogError, match=words):
        templates.load(tmp_path)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        pytest.param(("trouble", "troubles"), "cannot be read as voices: 'trouble'", id="a list under another name"),
        pytest.param(("[[voice]]", "[[line]]"), "cannot be read as voices: 'voice'", id="no voice at all"),
        pytest.param(("calm = ", "other = ['a']\ncalm = "), "does not know other", id="a list that nobody reads"),
        pytest.param(
            ("names = ['Chat\\.']", "names = []"), "voice 1: lacks a list of names", id="a voice without names"
        ),
        pytest.param(("Chat\\.", "Chat("), "cannot be read as voices", id="a name that is no regular expression"),
        pytest.param(('title = "t"', ""), "voice 1: lacks title", id="a voice without a title"),
    ],
)
def test_voices_with_a_mistake_are_refused(tmp_path: Path, change: tuple[str, str], words: str) -> None:
    (tmp_path / "voices.toml").write_text(VOICES.replace(*change))
    with pytest.raises(CatalogError, match=words):
        voices.load(tmp_path)


HOSTILE = {
    "quotation marks": "'" * 200_000,
    "brackets": "[" * 200_000,
    "frames": "a: " * 70_000,
    "half a template": "Failed to connect to " + "will retry after the back off period Error detail Id " * 4_000,
    "words of many templates": "start to send message to group connection service " * 4_000,
    "nested JSON": '{"a":' * 50_000,
    "pairs": "message=a " * 20_000,
    "colours and invisible marks": "\x1b[31m\u202e" * 20_000 + "x",
}


@pytest.mark.parametrize("name", HOSTILE)
def test_hostile_text_fits_nothing_and_ends(name: str) -> None:
    assert explain.explain(HOSTILE[name], now=NOW).verdict.value == "undecided"
