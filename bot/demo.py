"""The demo: a sample archive, one question answered from it, and a prompt for the next ones."""

from __future__ import annotations

import asyncio
import shlex
import sys
import textwrap
from collections.abc import Collection, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

from bot import catalog
from bot.errors import UsageError
from bot.options import Options, local_zone, width
from bot.prompt import converse
from bot.render.terminal import Face, render
from bot.session import opened
from bot.simulator import Told, Written, scenarios, write_archive, write_scenario
from bot.simulator.messages.messaging import APP_LOG
from bot.simulator.told import TRUTH_FILE
from bot.times import iso
from bot.words import quote

SEED, CONNECTIONS, HOURS = 7, 4_000, 6
SHOWN_FIRST = "ping-timeout"


@dataclass(frozen=True, slots=True)
class _Stage:
    """An archive to show: what is said about it, and the questions, each with a note; the first one is answered."""

    words: str
    questions: tuple[tuple[str, str], ...]
    connection_ids: tuple[str, ...]


async def run(directory: Path, options: Options, scenario: str | None = None) -> int:
    """Show the main job on a new archive in `directory` that ends with the last full hour.

    It holds five faults on an ordinary day, or what happens in a `scenario`, whose name is known to be right.
    Raises UsageError when the archive cannot be written.
    """
    known, zone = catalog.load(), local_zone()
    now = options.clock()().astimezone(UTC).replace(minute=0, second=0, microsecond=0)
    try:
        stage = await asyncio.to_thread(
            _ordinary if scenario is None else partial(_staged, scenario, known.verbs), directory, now
        )
    except OSError as error:
        raise UsageError(
            f"The sample archive cannot be written to {directory}: {error.strerror}.", "demo --dir sample"
        ) from error
    sys.stdout.write(stage.words + "\n")
    options = replace(options, logs=directory)
    talking = sys.stdin.isatty() and sys.stdout.isatty()
    async with opened(options, known) as core:
        face = Face(width(), options.color, zone=zone, kql=options.kql)
        shell = replace(face, suffix=_logs(directory))
        face = replace(face, prefix="/signalr") if talking else shell
        if stage.questions:
            (line, _), *others = stage.questions
            sys.stdout.write(f"$ {shell.command(line)}\n\n")
            sys.stdout.write(render(await core.answer(line, zone), face))
            more = [each for line, note in others for each in _question(line, note, face)]
            sys.stdout.write("\n".join(["", "More to ask:", *more, ""]) if more else "")
        if talking:
            sys.stdout.write("\nType commands as in Slack: /signalr help. Tab completes, `exit` leaves.\n")
            await converse(core, known.verbs, options, stage.connection_ids)
    return 0


def choose() -> str | None:
    """The scenario that somebody at the terminal chooses by number or name; None for the ordinary day."""
    stories = [(name, scenarios.load(name).story) for name in scenarios.names()]
    sys.stdout.write("What is to happen?\n")
    for number, (name, _) in enumerate(stories, 1):
        sys.stdout.write(f"{number:4} {name}\n")
    while True:
        try:
            typed = input("A number or a name; Enter for an ordinary day with five faults: ").strip().casefold()
        except EOFError:
            return None
        if not typed:
            return None
        if typed in dict(stories):
            return typed
        if typed.isascii() and typed.isdigit() and 0 < int(typed[:9]) <= len(stories):
            return stories[int(typed[:9]) - 1][0]
        sys.stdout.write("That is neither a number nor a name in the list.\n")


def _ordinary(directory: Path, now: datetime) -> _Stage:
    written = write_archive(
        directory, seed=SEED, connections=CONNECTIONS, hours=HOURS, start=now - timedelta(hours=HOURS)
    )
    chosen = next((e for e in written.examples if SHOWN_FIRST in e.fault_code), written.examples[0])
    ordered = [chosen, *(example for example in written.examples if example is not chosen)]
    return _Stage(
        _size(written, directory),
        tuple((f"why-dropped {quote(example.connection_id)}", example.note) for example in ordered),
        tuple(example.connection_id for example in written.examples),
    )


def _staged(name: str, verbs: Collection[str], directory: Path, now: datetime) -> _Stage:
    start = now - timedelta(hours=scenarios.load(name).size.hours)
    archive = write_scenario(directory, name, seed=SEED, start=start)
    # As long as it is, so that every verb looks at the whole of it.
    window = f"--from {iso(start)} --to {iso(now)}"
    asks = [_with_app_log(truth.ask, directory) for truth in archive.truths if truth.ask.split()[0] in verbs]
    ids = [ask.split()[1] for ask in asks if ask.startswith("why-dropped ")]
    return _Stage(_told_size(archive, directory), tuple((f"{ask} {window}", "") for ask in asks), tuple(ids))


def told(archive: Told, directory: Path) -> str:
    """What a scenario's archive holds, and the commands that it was made for, with their times."""
    face = Face(suffix=_logs(directory))
    window = f"--from {iso(archive.first)} --to {iso(archive.last)}"
    lines = [_told_size(archive, directory), f"What is true is in {directory / TRUTH_FILE}. To ask:"]
    lines += ["    " + face.command(f"{_with_app_log(truth.ask, directory)} {window}") for truth in archive.truths]
    return "\n".join([*lines, ""])


def listed(stories: Mapping[str, str]) -> str:
    """The scenarios' names and what happens in each."""
    lines = []
    for name, story in stories.items():
        lines += [name, textwrap.fill(story, width() - 2, initial_indent="  ", subsequent_indent="  ")]
    return "\n".join([*lines, ""])


def summary(written: Written, directory: Path) -> str:
    """What was written, and commands that show something in it, with their times."""
    lines = [_size(written, directory), "Connections to ask about:"]
    face = Face(suffix=_logs(directory))
    for example in written.examples:
        at = example.ended_at
        window = f"--at {iso(at)}" if at else f"--from {iso(written.first)} --to {iso(written.last)}"
        lines += _question(f"why-dropped {quote(example.connection_id)} {window}", example.note, face)
    return "\n".join([*lines, ""])


def _logs(directory: Path) -> str:
    return f" --logs {shlex.quote(str(directory))}"


def _with_app_log(ask: str, directory: Path) -> str:
    """The question with the path of the app servers' log, which lies beside the archive."""
    return ask.replace(f"--log {APP_LOG}", f"--log {quote(str(directory / APP_LOG))}")


def _question(line: str, note: str, face: Face) -> list[str]:
    filled = textwrap.fill(note, width() - 2, initial_indent="  ", subsequent_indent="  ")
    return [*([filled] if note else []), "    " + face.command(line)]


def _size(written: Written, directory: Path) -> str:
    return (
        f"Wrote {written.records:,} records of {written.client_connections:,} clients and"
        f" {written.server_connections:,} server connections in {written.files:,} files to {directory}:\n"
        f"{iso(written.first)} to {iso(written.last)}, made up from start to end.\n"
    )


def _told_size(archive: Told, directory: Path) -> str:
    return (
        f"{archive.story}\n"
        f"Wrote {archive.records:,} records in {archive.files:,} files to {directory}; in that time clients opened"
        f" {archive.client_connections:,} connections, app servers {archive.server_connections:,}:\n"
        f"{iso(archive.first)} to {iso(archive.last)}, made up from start to end.\n"
    )
