"""The subcommands that ask nothing: simulate, demo, prompt, serve."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import NoReturn

from bot import times
from bot.errors import UsageError
from bot.options import Options, local_zone

# A fixed start, because the same seed is to give the same bytes on any day.
START = "2026-01-05T06:00:00Z"
SEED, CONNECTIONS, HOURS = 1, 4_000, 6


class _Parser(argparse.ArgumentParser):
    def error(self, message: str) -> NoReturn:
        raise UsageError(f"{self.prog}: {message}.", self.epilog or "help")


def run(tool: str, words: Sequence[str], options: Options) -> int:
    """Run one of the tools and return the exit status. Raises BotError."""
    parser = _Parser(f"signalr-bot {tool}", allow_abbrev=False)
    _TOOLS[tool][0](parser)
    try:
        arguments = parser.parse_args(list(words))
    except SystemExit as leaving:  # argparse has printed its help
        return int(leaving.code or 0)
    return _TOOLS[tool][1](arguments, options)


def _simulate_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write a believable archive of Azure SignalR Service resource logs."
    parser.epilog = "simulate --out sample --seed 7"
    parser.add_argument("--out", type=Path, required=True, metavar="DIR", help="the directory to write to")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="the same seed gives the same bytes")
    parser.add_argument("--connections", type=int, default=CONNECTIONS, metavar="N", help="about how many clients")
    parser.add_argument("--hours", type=int, default=HOURS, metavar="H", help="how long a time it covers")
    parser.add_argument("--start", default=START, metavar="TIME", help=f"when it begins; {START} unless given")


def _simulate(arguments: argparse.Namespace, options: Options) -> int:
    from bot.simulator import write_archive

    try:
        start = times.moment(arguments.start, options.clock()(), local_zone()).at
        written = write_archive(
            arguments.out,
            seed=arguments.seed,
            connections=arguments.connections,
            hours=arguments.hours,
            start=start,
        )
    except (ValueError, OverflowError) as error:
        raise UsageError(f"The simulator cannot do that: {error}.", "simulate --out sample --seed 7") from error
    except OSError as error:
        raise UsageError(
            f"The archive cannot be written to {arguments.out}: {error.strerror}.",
            "simulate --out sample --seed 7",
        ) from error
    if options.json:
        print(
            json.dumps(
                asdict(written) | {"examples": [e._asdict() for e in written.examples]},
                indent=2,
                default=_plain,
            )
        )
        return 0
    from bot import demo

    sys.stdout.write(demo.summary(written, arguments.out))
    return 0


def _plain(value: object) -> str:
    return times.iso(value) if isinstance(value, datetime) else str(value)


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write a sample archive, answer a question from it, and take more at a prompt."
    parser.epilog = "demo --dir .demo"
    parser.add_argument("--dir", type=Path, default=Path(".demo"), help="where the archive goes")


def _demo(arguments: argparse.Namespace, options: Options) -> int:
    from bot import demo

    return asyncio.run(demo.run(arguments.dir, options))


def _no_arguments(parser: argparse.ArgumentParser) -> None:
    parser.epilog = "help"


def _prompt(arguments: argparse.Namespace, options: Options) -> int:  # noqa: ARG001
    from bot import catalog
    from bot.prompt import converse
    from bot.session import opened

    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("The prompt needs a terminal.", "help")

    async def talk() -> None:
        known = catalog.load()
        async with opened(options, known) as core:
            await converse(core, known.verbs, options)

    asyncio.run(talk())
    return 0


def _serve(arguments: argparse.Namespace, options: Options) -> int:  # noqa: ARG001
    from bot.app import serve
    from bot.session import settings_for

    return int(asyncio.run(serve(settings_for(options))) or 0)


_TOOLS = {
    "simulate": (_simulate_arguments, _simulate),
    "demo": (_demo_arguments, _demo),
    "prompt": (_no_arguments, _prompt),
    "serve": (_no_arguments, _serve),
}
