"""The terminal face: `signalr-bot`, which asks the same questions as Slack and answers in text or JSON.

Exit status: 0 answered, 1 something was found and `--fail-on-finding` was given, 2 the command or the settings
cannot be used, 3 the log store failed (or the bot itself), 130 stopped with Ctrl-C.
"""

from __future__ import annotations

import json
import os
import shlex
import sys
from collections.abc import Sequence
from dataclasses import replace
from io import TextIOWrapper
from typing import Any

from bot.errors import BotError, CatalogError, SettingsError, UsageError
from bot.options import LINES, Options, local_zone, take, unexpected, width
from bot.words import quote

ANSWERED, FOUND, UNUSABLE, FAILED, INTERRUPTED = 0, 1, 2, 3, 130
TOOLS = (
    ("simulate --out DIR --seed N", "write a believable log archive to try things on"),
    ("demo", "the same, with an answer and a prompt to ask more"),
    ("prompt --logs PATH", "type commands as in Slack"),
    ("serve", "run the Slack bot"),
)


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line (without the program's name) and return the exit status."""
    words = list(sys.argv[1:] if argv is None else argv)
    options = Options(json="--json" in words)
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, TextIOWrapper):
            stream.reconfigure(errors="replace")
    try:
        options, words = take(words)
        status = _run(options, words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        # whoever reads our output has seen enough; without this Python complains once more at exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ANSWERED
    except BotError as error:
        _complain(error, options)
        return UNUSABLE if isinstance(error, UsageError | SettingsError | CatalogError) else FAILED
    except Exception as error:
        _complain(unexpected(error), options)
        return FAILED
    return status


def _run(options: Options, words: list[str]) -> int:
    tool = words[0].casefold() if words else ""
    if tool == "help" and len(words) > 1 and words[1].casefold() in _TOOLS:
        tool, words = words[1].casefold(), [words[1], "--help"]
    if tool in _TOOLS:
        from bot import tools

        return tools.run(tool, words[1:], options)
    return _answer(options, words)


_TOOLS = tuple(usage.split()[0] for usage, _ in TOOLS)


def _answer(options: Options, words: list[str]) -> int:
    from bot import guide

    if words in (["version"], ["--version"]):
        return _show(guide.version(), options)
    if words[:1] == ["explain"] and words[1:] not in (["--help"], ["-h"], ["help"]):
        return _explain(options, words[1:])
    from bot import catalog, command
    from bot.command import Command, HelpRequest
    from bot.model import Verdict

    known, now, zone = catalog.load(), options.clock()(), local_zone()
    asked = command.parse(words, known.verbs, now, zone)
    if not isinstance(asked, Command):
        page = guide.page(known, asked.topic) if isinstance(asked, HelpRequest) else guide.version()
        if asked == HelpRequest():
            heads = ("", "On the command line also:"), ("", "With every question there:")
            page = replace(page, lines=(*page.lines, heads[0], *TOOLS, heads[1], *LINES))
        return _show(page, options)

    import asyncio

    from bot.explain import source
    from bot.session import opened

    if options.log and not known.verbs[asked.verb].attached:
        raise UsageError(f"{asked.verb} reads no app-server log.", f"explain --file {quote(options.log)}")
    attached = source.content(options.log, sys.stdin.buffer, asked.line) if options.log else ""

    async def ask() -> Any:
        async with opened(options, known) as core:
            return await core.investigate(asked, attached)

    report = asyncio.run(ask())
    _show(report, options)
    if report.verdict is Verdict.ERROR:
        return FAILED
    return FOUND if options.fail_on_finding and report.verdict is Verdict.FINDING else ANSWERED


def _explain(options: Options, words: list[str]) -> int:
    from bot import explain
    from bot.explain import source
    from bot.model import Verdict

    report = explain.explain(source.text(words, sys.stdin.buffer), now=options.clock()())
    _show(report, options)
    return FOUND if options.fail_on_finding and report.verdict is Verdict.FINDING else ANSWERED


def _show(answer: Any, options: Options) -> int:
    from bot.model import Report

    if options.json:
        from bot.render import data

        form = data.to_json(answer) if isinstance(answer, Report) else data.page_to_json(answer)
        print(json.dumps(form, indent=2))
    else:
        from bot.render.terminal import Face, render

        logs = f" --logs {shlex.quote(str(options.logs))}" if options.logs is not None else ""
        face = Face(width(), options.color, suffix=logs, zone=local_zone(), kql=options.kql)
        sys.stdout.write(render(answer, face))
    return ANSWERED


def _complain(error: BotError, options: Options) -> None:
    if options.json:
        from bot.render import data

        print(json.dumps(data.error_to_json(error), indent=2))
    else:
        from bot.render.terminal import Face, render

        sys.stderr.write(render(error, Face(width(), options.color and sys.stderr.isatty())))


if __name__ == "__main__":
    sys.exit(main())
