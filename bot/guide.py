"""Help: the pages behind `help`, `help <subcommand>` and `version`, made from the catalog."""

from __future__ import annotations

from typing import TYPE_CHECKING

from bot import __version__
from bot.errors import UsageError
from bot.model import NextStep, Page
from bot.times import span_text

if TYPE_CHECKING:
    from bot.catalog import Catalog
    from bot.command import Verb

WINDOWS = (
    ("2h, 90m, 7d", "the last two hours, ninety minutes, seven days"),
    ("--since 14:05", "from then until now"),
    ("--from A --to B", "from A to B: 2026-11-23T14:05Z, 14:05, yesterday 14:05"),
    ("--at 14:05", "around that time, half an hour either way"),
)
RESOURCE = ("--resource NAME", "only this SignalR resource: its name or its full resource id")


def page(catalog: Catalog, topic: str) -> Page:
    """The page about everything, or about the subcommand `topic`. Raises UsageError for one that is not there."""
    if not topic:
        return _everything(catalog)
    if topic not in catalog.verbs:
        raise UsageError(f"There is no subcommand {topic!r}.", "help")
    asked = catalog.investigations.get(topic)
    return _one(catalog.verbs[topic], asked.opening.source if asked else "")


def version() -> Page:
    """The page that names the version."""
    return Page(f"signalr-bot {__version__}")


def usage(verb: Verb) -> str:
    """How a subcommand is written: 'why-dropped <connection-id> [window]'."""
    words = [verb.name]
    for parameter in verb.parameters:
        name = parameter.name.replace("_", "-")
        words.append(f"<{name}>" if parameter.positional else f"[--{name} {parameter.type}]")
    return " ".join([*words, "[window]"] if verb.span else words)


def _everything(catalog: Catalog) -> Page:
    lines = [("", "Questions about Azure SignalR Service, answered from its resource logs:")]
    lines += [(usage(each), each.summary) for each in catalog.verbs.values()]
    lines += [("help <subcommand>", "what one of them reads and answers"), ("version", "which version this is")]
    lines += [("", "Which time to look at, after any of them:"), *WINDOWS]
    lines += [("", "And which resource:"), RESOURCE]
    steps = tuple(NextStep(f"Help on {name}"[:30], f"help {name}") for name in list(catalog.verbs)[:5])
    return Page("What you can ask", tuple(lines), steps)


def _one(verb: Verb, source: str) -> Page:
    window = f"the last {span_text(verb.span)} unless you name a window" if verb.span else "asks no logs"
    lines = [("", verb.summary), (usage(verb), window)]
    lines += [("--log FILE", f"{verb.attached}; in chat they are pasted below the command")] if verb.attached else []
    lines += [(f"--{p.name.replace('_', '-')}", p.help) for p in verb.parameters]
    lines += [*WINDOWS, RESOURCE] if verb.span else []
    lines += [("", f"For example: {verb.example}"), *([("", f"From: {source}")] if source else [])]
    return Page(verb.name, tuple(lines))
