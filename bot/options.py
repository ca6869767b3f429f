"""What the command line says besides the question: which logs, which clock, which form of answer."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from functools import cache
from pathlib import Path
from uuid import uuid4
from zoneinfo import ZoneInfoNotFoundError

from bot import times
from bot.errors import BotError, UsageError

LINES = (
    ("--logs PATH", "ask the archive at PATH: a directory or a file"),
    ("--log FILE", "app-server log lines that belong to the question; - reads standard input"),
    ("--now TIME", "answer as if it were that time, such as 2026-11-23T14:05Z"),
    ("--json", "one JSON document instead of text"),
    ("--kql", "show the queries that ran, ready to paste"),
    ("--fail-on-finding", "exit status 1 when something was found"),
    ("--no-color", "plain text; so does the environment variable NO_COLOR"),
)
_SWITCHES = ("--json", "--kql", "--fail-on-finding", "--no-color")
_VALUES = ("--logs", "--log", "--now")
_SAMPLES = {"--logs": "sample", "--log": "app.log", "--now": "now"}


@dataclass(frozen=True, slots=True)
class Options:
    """The global options of one command line, as given; `now` is None for the clock on the wall."""

    logs: Path | None = None
    log: str = ""
    now: datetime | None = None
    json: bool = False
    kql: bool = False
    fail_on_finding: bool = False
    no_color: bool = False

    def clock(self) -> Callable[[], datetime]:
        fixed = self.now
        return (lambda: datetime.now(UTC)) if fixed is None else (lambda: fixed)

    @property
    def color(self) -> bool:
        """Whether standard output takes colours, by https://no-color.org and what it is."""
        wanted = not self.no_color and not os.environ.get("NO_COLOR") and os.environ.get("TERM") != "dumb"
        return wanted and sys.stdout.isatty()


def take(argv: Sequence[str]) -> tuple[Options, list[str]]:
    """The global options in `argv`, and the words that are left; nothing after `--` is an option.

    Raises UsageError for one without its value, or a `--now` that is no time. A value that starts with `--` is
    read only behind a `=`.
    """
    switches, values, words = set[str](), dict[str, str](), list[str]()
    rest = iter(argv)
    for word in rest:
        name, equals, value = word.partition("=")
        if word == "--":
            words += [word, *rest]
        elif word in _SWITCHES:
            switches.add(word)
        elif name in _VALUES:
            text = value if equals else next(rest, "")
            if not text or (not equals and text.startswith("--")):
                raise UsageError(f"{name} needs a value.", f"help {name} {_SAMPLES[name]}")
            values[name] = text
        else:
            words.append(word)
    return (
        Options(
            logs=Path(values["--logs"]).expanduser() if "--logs" in values else None,
            log=values.get("--log", ""),
            now=_fixed(values["--now"]) if "--now" in values else None,
            json="--json" in switches,
            kql="--kql" in switches,
            fail_on_finding="--fail-on-finding" in switches,
            no_color="--no-color" in switches,
        ),
        words,
    )


def _fixed(text: str) -> datetime:
    try:
        return times.moment(text, datetime.now(UTC), local_zone()).at
    except UsageError as error:
        raise UsageError(f"--now: {error.message}", f"help --now {times.WORKING_TIME}") from error


def local_zone() -> tzinfo:
    """The time zone of this machine; UTC, and once a line that says so, when it names one that does not exist."""
    from tzlocal import get_localzone

    try:
        return get_localzone()
    except (ZoneInfoNotFoundError, ValueError, OSError):
        _say_unknown_zone(os.environ.get("TZ", ""))
        return UTC


@cache
def _say_unknown_zone(name: str) -> None:
    said = f"TZ={name} is no time zone with a name" if name.isprintable() and name else "This machine has no time zone"
    print(f"{said} like Europe/Berlin; times are read and shown in UTC.", file=sys.stderr)


def width() -> int:
    """The columns of the terminal; 80 where there is none."""
    return shutil.get_terminal_size((80, 24)).columns


def unexpected(error: Exception) -> BotError:
    """What to say about a mistake of ours: an id, and how to see the rest."""
    name = uuid4().hex[:8]
    if os.environ.get("SIGNALR_BOT_DEBUG"):
        import traceback

        print(f"[{name}]", *traceback.format_exception(error), sep="\n", file=sys.stderr)
        return BotError(f"Something went wrong inside the bot (error {name}); the details are above.")
    return BotError(
        f"Something went wrong inside the bot (error {name}: {type(error).__name__}).",
        "Run it again with SIGNALR_BOT_DEBUG=1 to see the details, and report them.",
    )
