"""The subcommands that ask nothing: simulate, demo, prompt, serve."""

from __future__ import annotations

import argparse
import asyncio
import json
import sys
from collections.abc import Mapping, Sequence
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
_EXAMPLE = "simulate --out sample --seed 7"


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
    parser.epilog = _EXAMPLE
    parser.add_argument("--out", type=Path, metavar="DIR", help="the directory to write to")
    parser.add_argument("--seed", type=int, default=SEED, metavar="N", help="the same seed gives the same bytes")
    parser.add_argument("--scenario", metavar="NAME", help="what happens; without it, five faults on an ordinary day")
    parser.add_argument("--list", action="store_true", help="name the scenarios and what happens in each")
    parser.add_argument("--connections", type=int, metavar="N", help="about how many clients")
    parser.add_argument("--hours", type=int, metavar="H", help="how long a time it covers")
    parser.add_argument("--rate", type=int, metavar="R", help="about how many records a minute; scenarios only")
    parser.add_argument("--start", default=START, metavar="TIME", help=f"when it begins; {START} unless given")


def _simulate(arguments: argparse.Namespace, options: Options) -> int:
    if arguments.list:
        return _list_scenarios(options)
    if arguments.out is None:
        raise UsageError("signalr-bot simulate: the following arguments are required: --out.", _EXAMPLE)
    if arguments.rate is not None and arguments.scenario is None:
        raise UsageError("--rate belongs to a scenario: name one with --scenario.", "simulate --list")
    if arguments.scenario is not None:
        check_scenario(arguments.scenario, "simulate --out sample --scenario")
    try:
        start = times.moment(arguments.start, options.clock()(), local_zone()).at
        return _simulated(arguments, start, options)
    except (ValueError, OverflowError) as error:
        raise UsageError(f"The simulator cannot do that: {error}.", _EXAMPLE) from error
    except OSError as error:
        raise UsageError(f"The archive cannot be written to {arguments.out}: {error.strerror}.", _EXAMPLE) from error


def _simulated(arguments: argparse.Namespace, start: datetime, options: Options) -> int:
    from bot import demo
    from bot.simulator import write_archive, write_scenario

    if arguments.scenario is not None:
        told = write_scenario(
            arguments.out,
            arguments.scenario,
            seed=arguments.seed,
            start=start,
            hours=arguments.hours,
            connections=arguments.connections,
            rate=arguments.rate,
        )
        _show(asdict(told) if options.json else demo.told(told, arguments.out))
        return 0
    written = write_archive(
        arguments.out,
        seed=arguments.seed,
        connections=CONNECTIONS if arguments.connections is None else arguments.connections,
        hours=HOURS if arguments.hours is None else arguments.hours,
        start=start,
    )
    described = asdict(written) | {"examples": [example._asdict() for example in written.examples]}
    _show(described if options.json else demo.summary(written, arguments.out))
    return 0


def _list_scenarios(options: Options) -> int:
    from bot import demo
    from bot.simulator import scenarios

    stories = {name: scenarios.load(name).story for name in scenarios.names()}
    _show(stories if options.json else demo.listed(stories))
    return 0


def _show(what: str | Mapping[str, object]) -> None:
    sys.stdout.write(what if isinstance(what, str) else json.dumps(what, indent=2, default=_plain) + "\n")


def check_scenario(name: str, before: str) -> None:
    """Raise UsageError for a scenario there is not, with the nearest ones behind `before` as whole lines."""
    from bot.simulator import scenarios

    if name in scenarios.names():
        return
    from rapidfuzz import fuzz, process

    near = process.extract(name[:64].casefold(), scenarios.names(), scorer=fuzz.WRatio, score_cutoff=60, limit=3)
    raise UsageError(
        f"There is no scenario {times.quoted(name)}.", "simulate --list", [f"{before} {found}" for found, _, _ in near]
    )


def _plain(value: object) -> str:
    return times.iso(value) if isinstance(value, datetime) else str(value)


def _demo_arguments(parser: argparse.ArgumentParser) -> None:
    parser.description = "Write a sample archive, answer a question from it, and take more at a prompt."
    parser.epilog = "demo --dir .demo"
    parser.add_argument("--dir", type=Path, default=Path(".demo"), help="where the archive goes")
    parser.add_argument("--scenario", metavar="NAME", help="what happens; at a terminal you are asked")


def _demo(arguments: argparse.Namespace, options: Options) -> int:
    from bot import demo

    scenario = arguments.scenario
    if scenario is None and sys.stdin.isatty() and sys.stdout.isatty():
        scenario = demo.choose()
    elif scenario is not None:
        check_scenario(scenario, "demo --scenario")
    return asyncio.run(demo.run(arguments.dir, options, scenario))


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
