"""The prompt, typed into, on an archive that the simulator wrote."""

from __future__ import annotations

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from prompt_toolkit.application import create_app_session
from prompt_toolkit.completion import CompleteEvent
from prompt_toolkit.document import Document
from prompt_toolkit.input import create_pipe_input
from prompt_toolkit.input.base import PipeInput
from prompt_toolkit.output import DummyOutput

from bot import catalog
from bot.options import Options
from bot.prompt import Suggestions, converse
from bot.session import opened
from bot.simulator import write_archive

VERBS = catalog.load().verbs
START = datetime(2026, 1, 5, 6, tzinfo=UTC)


@pytest.fixture(scope="module")
def options(tmp_path_factory: pytest.TempPathFactory) -> Options:
    place = tmp_path_factory.mktemp("archive")
    written = write_archive(place, seed=3, connections=2_000, hours=6, start=START)
    return Options(logs=place, now=written.last)


@pytest.fixture
def keyboard(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[PipeInput]:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    with create_pipe_input() as typed, create_app_session(input=typed, output=DummyOutput()):
        yield typed


@pytest.mark.parametrize(
    ("typed", "said"),
    [
        pytest.param("/signalr help\rexit\r", r"What you can ask\n.*", id="a command and a goodbye"),
        pytest.param("why-droped abc\rversion\rquit\r", r"There is no subcommand .*signalr-bot [0-9.]+\n\n",
                     id="a slip does not end it"),
        pytest.param("why-dropped nowhere --at 2026-01-05T08:00Z\r/exit\r",
                     r"[A-Z ]+: .*\n  Window  2026-01-05 07:30 .+",
                     id="a question"),
        pytest.param("half a line\x03version\r\x04", r"signalr-bot [0-9.]+\n\n", id="Ctrl-C drops a line, Ctrl-D ends"),
        pytest.param("   \rexit\r", "", id="nothing typed is nothing asked"),
        pytest.param("/signalr demo quiet-night\rexit\r", r"The logs of quiet-night are ready\n.*",
                     id="the demo, as in Slack"),
    ],
)  # fmt: skip
async def test_a_conversation(
    typed: str, said: str, options: Options, keyboard: PipeInput, capsys: pytest.CaptureFixture[str]
) -> None:
    keyboard.send_text(typed)
    async with opened(options, catalog.load()) as core:
        await converse(core, VERBS, options)
    answers = capsys.readouterr().out
    assert re.fullmatch(said, answers, re.DOTALL) is not None, answers


async def test_what_was_typed_is_remembered(options: Options, keyboard: PipeInput, tmp_path: Path) -> None:
    keyboard.send_text("version\rexit\r")
    async with opened(options, catalog.load()) as core:
        await converse(core, VERBS, options)
    history = (tmp_path / "signalr-bot" / "history").read_text("utf-8")
    assert [line for line in history.splitlines() if line.startswith("+")] == ["+version", "+exit"]


async def test_a_state_directory_that_cannot_be_is_no_obstacle(
    options: Options, keyboard: PipeInput, tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:  # fmt: skip
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    keyboard.send_text("version\rexit\r")
    async with opened(options, catalog.load()) as core:
        await converse(core, VERBS, options)
    assert "signalr-bot 0.1.0" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("text", "offered"),
    [
        ("why-d", ["why-dropped"]),
        ("/signalr WHY-d", ["why-dropped"]),
        ("/sig", ["/signalr"]),
        ("help why-d", ["why-dropped"]),
        ("why-dropped a", ["aB3"]),
        ("why-dropped aB3 --f", ["--from"]),
        ("nonsense --f", []),
        ("help dem", ["demo"]),
        ("demo quiet", ["quiet-night"]),
        ("demo quiet-night tru", ["truth"]),
        ("demo quiet-night why-dropped a", []),
        ("demo quiet-night why-dropped aB3 --f", ["--from"]),
    ],
)
def test_tab_offers(text: str, offered: list[str]) -> None:
    completions = Suggestions(VERBS, ["aB3"]).get_completions(Document(text), CompleteEvent())
    assert [completion.text for completion in completions] == offered
