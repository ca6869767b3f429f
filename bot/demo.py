"""The demo: a sample archive, one question answered from it, and a prompt for the next ones."""

from __future__ import annotations

import asyncio
import shlex
import sys
import textwrap
from dataclasses import replace
from datetime import UTC, timedelta
from pathlib import Path

from bot import catalog
from bot.errors import UsageError
from bot.options import Options, local_zone, width
from bot.prompt import converse
from bot.render.terminal import Face, render
from bot.session import opened
from bot.simulator import Example, Written, write_archive
from bot.times import iso
from bot.words import quote

SEED, CONNECTIONS, HOURS = 7, 4_000, 6
SHOWN_FIRST = "ping-timeout"
UNDISTURBED = ("healthy", "still-open")


async def run(directory: Path, options: Options) -> int:
    """Show the main job on a new archive in `directory` that ends with the last full hour.

    Raises UsageError when the archive cannot be written.
    """
    now = options.clock()()
    start = now.astimezone(UTC).replace(minute=0, second=0, microsecond=0) - timedelta(hours=HOURS)
    try:
        written = await asyncio.to_thread(
            write_archive, directory, seed=SEED, connections=CONNECTIONS, hours=HOURS, start=start
        )
    except OSError as error:
        raise UsageError(
            f"The sample archive cannot be written to {directory}: {error.strerror}.", "demo --dir sample"
        ) from error
    sys.stdout.write(_size(written, directory) + "\n")
    options, known, zone = replace(options, logs=directory), catalog.load(), local_zone()
    chosen = next((e for e in written.examples if SHOWN_FIRST in e.fault_code), written.examples[0])
    line = f"why-dropped {quote(chosen.connection_id)}"
    talking = sys.stdin.isatty() and sys.stdout.isatty()
    async with opened(options, known) as core:
        face = Face(width(), options.color, zone=zone, kql=options.kql)
        shell = replace(face, suffix=_logs(directory))
        face = replace(face, prefix="/signalr") if talking else shell
        sys.stdout.write(f"$ {shell.command(line)}\n\n")
        sys.stdout.write(render(await core.answer(line, zone), face))
        others = [example for example in written.examples if example is not chosen]
        lines = ["", "Other connections to ask about:", *(each for e in others for each in _example(e, face))]
        sys.stdout.write("\n".join([*lines, ""]))
        if talking:
            sys.stdout.write("\nType commands as in Slack: /signalr help. Tab completes, `exit` leaves.\n")
            await converse(core, known.verbs, options, [e.connection_id for e in written.examples])
    return 0


def summary(written: Written, directory: Path) -> str:
    """What was written, and commands that show something in it, with their times."""
    lines = [_size(written, directory), "Connections to ask about:"]
    face = Face(suffix=_logs(directory))
    for example in written.examples:
        at = example.ended_at
        window = f"--at {iso(at)}" if at else f"--from {iso(written.first)} --to {iso(written.last)}"
        lines += _example(example, face, window)
    return "\n".join([*lines, ""])


def _logs(directory: Path) -> str:
    return f" --logs {shlex.quote(str(directory))}"


def _example(example: Example, face: Face, window: str = "") -> list[str]:
    note = textwrap.fill(example.note, width() - 2, initial_indent="  ", subsequent_indent="  ")
    return [note, "    " + face.command(f"why-dropped {quote(example.connection_id)} {window}".rstrip())]


def _size(written: Written, directory: Path) -> str:
    return (
        f"Wrote {written.records:,} records of {written.client_connections:,} clients and"
        f" {written.server_connections:,} server connections in {written.files:,} files to {directory}:\n"
        f"{iso(written.first)} to {iso(written.last)}, made up from start to end.\n"
    )
