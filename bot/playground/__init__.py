"""`demo`: simulated logs to choose, to ask and to check the answers against, in chat and at the prompt.

    demo                              what can go wrong
    demo app-server-crash             write its logs, and say what to ask
    demo app-server-crash drops 30m   ask them as the real logs are asked
    demo app-server-crash truth       what really happened, beside what the bot says

Every other line goes to the Core.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, tzinfo
from typing import NamedTuple

from bot import command, explain, guide
from bot.catalog import Catalog
from bot.command import Command
from bot.core import Core
from bot.errors import BotError, UsageError
from bot.model import NextStep, Page, Report
from bot.playground import pages
from bot.playground.archives import Archive, Archives
from bot.playground.pages import NAME, STEPS, TRUTH
from bot.simulator import Truth, scenarios
from bot.simulator.messages.messaging import APP_LOG
from bot.times import quoted
from bot.words import split, undashed

__all__ = ["NAME", "TRUTH", "Playground", "faults"]

_NEAR = 60.0  # of 100: worth a "did you mean"
_REST_MOST = 200
_SELF = ("signalr", "signalr-bot")
_HELP = ("", "help", "--help", "-h", "?")
_FIRST_WORD = re.compile(r"\s*(\S+)")
# A phone makes one long dash of two short ones.
_WITH_APP_LOG = re.compile(rf"\s+(?:--|\u2014)log[=\s]\s*{re.escape(APP_LOG)}(?=\s|\Z)")


class _Asked(NamedTuple):
    """A line that starts with `demo`: the next word as typed and as a name, and what follows, untouched."""

    typed: str
    name: str
    rest: str


class Playground:
    """Answers what `core` answers, and the lines that start with `demo`.

    `clock` returns the present as an aware datetime; `timeout` is the longest an answer from simulated logs may take.
    """

    def __init__(self, core: Core, catalog: Catalog, clock: Callable[[], datetime], timeout: timedelta) -> None:
        self._core = core
        self._catalog = catalog
        self._archives = Archives(catalog, clock, timeout)

    async def answer(self, line: str, zone: tzinfo, attached: str = "") -> Report | Page:
        """The report or page for a line of chat text; `zone` and `attached` as for `Core.answer`.

        A report from simulated logs says so, and its commands begin with `demo <name>`. Raises UsageError, and BotError
        when the logs cannot be written.
        """
        asked = _read(line)
        if asked is None:
            return self._listed(await self._core.answer(line, zone, attached))
        if asked.name in scenarios.names():
            async with self._archives.open(asked.name) as archive:
                return await self._about(archive, asked.rest, zone, attached)
        if asked.name in _HELP:
            return pages.menu()
        if asked.name in pages.TOPICS and not asked.rest:
            return pages.topic(asked.name)
        raise self._unknown(asked)

    def needs_zone(self, line: str) -> bool:
        """Whether `line` names a wall-clock time without a zone, so that the asker's zone matters."""
        asked = _read(line)
        return self._core.needs_zone(line if asked is None else asked.rest)

    async def close(self) -> None:
        """Remove every simulated log from disk. The Core stays open."""
        await self._archives.close()

    def _listed(self, found: Report | Page) -> Report | Page:
        """The page about everything with a line about the demo; any other answer as it is."""
        if not isinstance(found, Page) or found != guide.page(self._catalog, ""):
            return found
        lines = [("", "And to try all this on simulated logs:"), (NAME, "choose what goes wrong, then ask")]
        steps = (*found.next_steps[: STEPS - 1], NextStep("Try the demo", NAME))
        return replace(found, lines=(*found.lines, *lines), next_steps=steps)

    async def _about(self, archive: Archive, line: str, zone: tzinfo, attached: str) -> Report | Page:
        word, after = _taken(line)
        if not word:
            return pages.chosen(archive, self._catalog.verbs)
        if word.casefold() == TRUTH and not after.strip():
            truths = [truth for truth in archive.told.truths if pages.verb_of(truth) in self._catalog.verbs]
            answers = await asyncio.gather(*(self._said(archive, truth) for truth in truths))
            return pages.truth(archive, list(zip(truths, answers, strict=True)))
        return await self._from(archive, line, zone, attached)

    async def _said(self, archive: Archive, truth: Truth) -> Report | Page | BotError:
        try:
            return await self._asked(archive, truth.ask, UTC, "")
        except BotError as error:
            return error

    async def _from(self, archive: Archive, line: str, zone: tzinfo, attached: str) -> Report | Page:
        """The answer to `line` from simulated logs, which says so and leads nowhere else."""
        prefix = f"{NAME} {archive.told.name}"
        try:
            found = await self._asked(archive, line, zone, attached)
        except UsageError as error:
            # A hint in lower case is a line that works, as everywhere.
            hint = f"{prefix} {error.hint}" if error.hint[:1].islower() else error.hint
            raise UsageError(error.message, hint, [f"{prefix} {near}" for near in error.suggestions]) from error
        steps = tuple(replace(step, command=f"{prefix} {step.command}") for step in found.next_steps)
        if isinstance(found, Page):
            first = ("", f"About simulated logs: put “{prefix}” before each; without a window it asks all of them.")
            return replace(found, lines=(first, *found.lines), next_steps=steps)
        answer = replace(
            found,
            command=f"{prefix} {found.command}" + (f" --log {APP_LOG}" if _WITH_APP_LOG.search(line) else ""),
            next_steps=(*steps[: STEPS - 1], pages.truth_step(prefix)),
        )
        if found.query == explain.NAME:
            return answer
        note = f"Simulated logs ({archive.told.name}), {pages.span(archive)}: made up from start to end."
        # Shared to a channel, the headline must frighten nobody.
        return replace(answer, headline=f"Simulated: {found.headline}", notes=(note, *found.notes))

    async def _asked(self, archive: Archive, line: str, zone: tzinfo, attached: str) -> Report | Page:
        """What the archive's Core answers; without a window it is about all the logs."""
        line, with_log = _WITH_APP_LOG.subn("", line, count=1)
        if with_log:
            attached = await asyncio.to_thread(archive.app_log)
        if explain.pasted(line) is None:
            span = archive.end - archive.start
            verbs = {name: replace(verb, span=span) for name, verb in self._catalog.verbs.items()}
            head, below = command.divided(line, verbs)
            # By the clock of these logs: "2h" are their last two hours.
            asked = command.parse(head, verbs, archive.end, zone)
            if isinstance(asked, Command):
                return await archive.core.investigate(asked, below or attached)
        return await archive.core.answer(line, zone, attached)

    def _unknown(self, asked: _Asked) -> UsageError:
        """There is no such scenario: the nearest ones, or for a question without one the first choices."""
        from rapidfuzz import fuzz, process

        rest = asked.rest if asked.rest.isprintable() and len(asked.rest) <= _REST_MOST else ""
        if asked.name in self._catalog.verbs:
            near = [f"{NAME} {name} {asked.name} {rest}".strip() for name in list(pages.FIRST)[:3]]
            return UsageError(
                f"Which simulated logs is “{asked.name}” about? Choose what goes wrong first.", NAME, near
            )
        found = process.extract(
            asked.name[:64], scenarios.names(), scorer=fuzz.WRatio, score_cutoff=_NEAR, limit=STEPS - 1
        )
        lines = [f"{NAME} {name} {rest}".strip() for name, _, _ in found]
        return UsageError(f"There is no simulated fault {quoted(asked.typed)}.", NAME, [*lines, NAME])


def faults() -> tuple[str, ...]:
    """The names that may follow `demo`."""
    return scenarios.names()


def _read(line: str) -> _Asked | None:
    """The line when it starts with `demo` or asks for help about it; None for every other."""
    word, rest = _taken(line)
    if word.startswith("/") or word.casefold() in _SELF:
        word, rest = _taken(rest)
    if word.casefold() == "help":
        topic, after = _taken(rest)
        return _Asked(topic, "", "") if topic.casefold() == NAME and not after.strip() else None
    if word.casefold() != NAME:
        return None
    typed, rest = _taken(rest)
    return _Asked(typed, undashed(typed).casefold().replace("_", "-"), rest.strip())


def _taken(line: str) -> tuple[str, str]:
    """The first word of a chat line, without what Slack and keyboards put around it, and the rest as it was typed."""
    match = _FIRST_WORD.match(line)
    if match is None:
        return "", ""
    try:
        words = split(match[1])
    except UsageError:
        words = []  # an opening quotation mark, which belongs to the rest
    return (words[0].text if words else match[1]), line[match.end() :]
