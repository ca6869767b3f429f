"""A prompt that takes what Slack takes: `/signalr help`, `/signalr why-dropped ...`, until `exit`."""

from __future__ import annotations

import asyncio
import os
import signal
import sys
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress
from pathlib import Path

from prompt_toolkit import PromptSession
from prompt_toolkit.completion import CompleteEvent, Completer, Completion
from prompt_toolkit.document import Document
from prompt_toolkit.history import FileHistory, History, InMemoryHistory
from prompt_toolkit.patch_stdout import patch_stdout

from bot import catalog, playground
from bot.command import Verb
from bot.core import Core
from bot.errors import BotError
from bot.options import Options, local_zone, unexpected, width
from bot.playground import Playground
from bot.render.terminal import Face, render
from bot.session import settings_for

WINDOW_OPTIONS = ("--since", "--from", "--to", "--at", "--resource", "--help")
LEAVING = ("exit", "quit")


async def converse(core: Core, verbs: Mapping[str, Verb], options: Options, examples: Sequence[str] = ()) -> None:
    """Answer one line after the other until `exit`, `quit` or the end of the input; `demo` is there as in Slack.

    Ctrl-C stops the answer that is being looked for, or empties the line; it never ends the conversation.
    `examples` are connection ids that Tab offers.
    """
    answers = Playground(core, catalog.load(), options.clock(), settings_for(options).query_timeout)
    try:
        await _converse(answers, Suggestions(verbs, examples), options)
    finally:
        await answers.close()


async def _converse(answers: Playground, suggestions: Suggestions, options: Options) -> None:
    session: PromptSession[str] = PromptSession(history=_history(), completer=suggestions, complete_while_typing=False)
    while True:
        try:
            with patch_stdout(raw=True):
                line = await session.prompt_async("signalr> ")
        except KeyboardInterrupt:
            continue
        except EOFError:
            return
        if line.strip().casefold().removeprefix("/") in LEAVING:
            return
        if line.strip():
            await _answer(answers, line, options)


async def _answer(answers: Playground, line: str, options: Options) -> None:
    face = Face(width(), options.color, prefix="/signalr", zone=local_zone(), kql=options.kql)
    task = asyncio.ensure_future(answers.answer(line, local_zone()))
    loop = asyncio.get_running_loop()
    with suppress(NotImplementedError):  # Windows has no such handlers; there Ctrl-C ends the program
        loop.add_signal_handler(signal.SIGINT, task.cancel)
    try:
        text = render(await task, face)
    except asyncio.CancelledError:
        if not task.cancelled():
            raise
        text = "Stopped.\n"
    except BotError as error:
        text = render(error, face)
    except Exception as error:
        text = render(unexpected(error), face)
    finally:
        with suppress(NotImplementedError):
            loop.remove_signal_handler(signal.SIGINT)
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


class Suggestions(Completer):
    """What Tab offers: subcommands, then the ids of `examples`, then the options of the subcommand.

    After `demo` it offers what can go wrong, and then the same for that.
    """

    def __init__(self, verbs: Mapping[str, Verb], examples: Sequence[str]) -> None:
        self._verbs = verbs
        self._examples = examples

    def get_completions(
        self,
        document: Document,
        complete_event: CompleteEvent,  # noqa: ARG002
    ) -> Iterable[Completion]:
        """Completions of the word before the cursor; `complete_event` makes no difference."""
        words = document.text_before_cursor.split(" ")
        typed, before = words[-1], [word for word in words[:-1] if word]
        if before[:1] == ["/signalr"]:
            before = before[1:]
        for offer in self._offers(before):
            if offer.casefold().startswith(typed.casefold()):
                yield Completion(offer, start_position=-len(typed))

    def _offers(self, before: Sequence[str]) -> list[str]:
        match before:
            case []:
                return [*self._verbs, "help", "version", playground.NAME, *LEAVING, "/signalr"]
            case ["help"]:
                return [*self._verbs, playground.NAME]
            case [playground.NAME]:
                return list(playground.faults())
            case [playground.NAME, _]:
                return [*self._verbs, playground.TRUTH]
            case [playground.NAME, _, verb, *values]:
                return self._values(verb, values, ())
            case [verb, *values]:
                return self._values(verb, values, self._examples)
        return []

    def _values(self, verb: str, before: Sequence[str], examples: Sequence[str]) -> list[str]:
        asked = self._verbs.get(verb)
        if asked is None:
            return []
        own = [parameter.option for parameter in asked.parameters if not parameter.positional]
        return [*([] if before else examples), *own, *WINDOW_OPTIONS]


class _Tolerant(FileHistory):
    """A history that keeps working when its file no longer does."""

    def store_string(self, string: str) -> None:
        with suppress(OSError, UnicodeEncodeError):
            super().store_string(string)


def _history() -> History:
    state = os.environ.get("XDG_STATE_HOME") or "~/.local/state"
    path = Path(state).expanduser() / "signalr-bot" / "history"
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        with path.open("ab"):
            pass
    except (OSError, RuntimeError):
        return InMemoryHistory()
    return _Tolerant(str(path))
