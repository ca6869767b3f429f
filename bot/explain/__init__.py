"""`explain`: what pasted log lines mean, from the text alone; no engine is asked.

`lines` and `structured` read the paste, `matching` names its lines, `belonging` drops what is another program's,
`voices` says at least who speaks where no line is known, `weighing` puts the rest together, `answer` words it.
What is known stands in queries/knowledge/explain/*.toml, which `templates` reads.
"""

from __future__ import annotations

import hashlib
import re
from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.command import Parameter, Verb
from bot.errors import UsageError
from bot.explain import answer, structured, voices
from bot.explain.belonging import sifted
from bot.explain.lines import PASTE_MOST, Record, clean, flat
from bot.explain.matching import matched, unbroken
from bot.explain.templates import Book, shared
from bot.explain.voices import voiced
from bot.explain.weighing import Weighed, moment, weigh
from bot.model import Report, Target, Window
from bot.words import quote

__all__ = ["NAME", "PASTE_MOST", "VERB", "command", "explain", "pasted", "unmarked"]

NAME = "explain"
VERB = Verb(
    name=NAME,
    summary="What does this log line mean?",
    parameters=(Parameter("text", "string", "the line or lines, as they were logged", required=True, positional=True),),
    span=timedelta(0),
    example='explain "Service timeout. 30000.00ms elapsed without receiving a message from service."',
)
_RECENT = timedelta(hours=1)
_NOTHING = ("", "help", "--help", "-h", "?")
_COMMAND_MOST = 1_900  # a Slack button's value may have 2,000 characters
_BROKEN_MOST = 3_500
_CUT = f"The text was longer than {PASTE_MOST:,} characters; what is behind that was not read."
_ASKED = re.compile(r"\s*(?:/?signalr(?:-bot)?\s+)?explain(?:\s+|\Z)", re.IGNORECASE)
# Slack's marks for what it recognised (docs.slack.dev, "Formatting message text"), and its three entities.
_MARKED = re.compile(
    r"<(?:(?P<url>(?:https?|wss?|mailto|tel):[^<>|]*)|(?P<sign>[@#!])[^<>|]*)(?:\|(?P<shown>[^<>]*))?>"
)
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_FENCE = re.compile(r"```(?:\w+\n)?|\A\s*`(?=[^`]+`\s*\Z)|(?<=[^`])`\s*\Z")


def explain(text: str, *, now: datetime, book: Book | None = None) -> Report:
    """What the pasted `text` means: one line, a block of lines or the content of a file. `now` is aware.

    The verdict is `finding` when the text states a cause, `undecided` with ranked candidates when it does not or
    is unknown, `ok` for ordinary lines. The window is that of the lines' own times, else the hour until `now`.
    Raises UsageError when there is no text.
    """
    is_cut = len(text) > PASTE_MOST
    text = clean(text)
    if not text.strip():
        raise UsageError("There is no text to explain.", VERB.example)
    known = book or shared()
    lines = unbroken(list(matched(structured.records(text), known)), known)
    if not any(hits for _, hits in lines):
        # A terminal or a mail may have broken one line into several.
        whole = list(matched([Record(flat(text[:_BROKEN_MOST]))], known))
        lines = whole if whole[0][1] else lines
    left = sifted(lines, text, known)
    kept = left.lines if any(hits for _, hits in left.lines) else voiced(left.lines, text, voices.shared())
    weighed = weigh((hits for _, hits in kept), is_sure=left.is_sure)
    strange = [record for record, hits in kept if not hits]
    found = (
        answer.unknown(strange) if weighed.root is None else answer.known(weighed, weighed.root, len(lines), strange)
    )
    return Report(
        query=NAME,
        command=command(text),
        target=Target(),
        window=_window(weighed, now),
        verdict=found.verdict,
        headline=found.headline,
        cause=found.cause,
        candidates=found.candidates,
        facts=found.facts,
        findings=found.findings,
        gaps=found.gaps,
        next_steps=found.next_steps,
        notes=(*found.notes, *((_CUT,) if is_cut else ())),
    )


def pasted(line: str | Sequence[str]) -> str | None:
    """The raw text of an `explain` command line, None for any other line and for one without a text.

    A str is chat text, whose marks are undone; a Sequence the words that a shell has split. To be asked before
    `bot.command.parse`, which would take the quotes and brackets of a log line for its own. Raises UsageError for a
    paste that was named by its digest.
    """
    if not isinstance(line, str):
        text = " ".join(line[1:]) if line and line[0].casefold() == NAME else None
    else:
        asked = _ASKED.match(line)
        text = unmarked(line[asked.end() :]) if asked else None
    if text is None or text.casefold() in _NOTHING:
        return None
    if text.startswith("--paste="):
        raise UsageError("That text is not remembered any more: paste it again.", VERB.example)
    return text


def unmarked(text: str) -> str:
    """Chat text as it was before Slack marked links and names in it; code fences are removed."""
    text = _FENCE.sub("", text)
    text = _MARKED.sub(lambda mark: mark["shown"] or mark["url"] or mark["sign"] or "", text)
    for entity, character in _ENTITIES:
        text = text.replace(entity, character)
    return text.strip()


def command(text: str) -> str:
    """The command line that asks about clean `text` again; a long one is named by its digest, to be pasted anew."""
    text = text.strip()
    line = f"{NAME} {quote(text[: _COMMAND_MOST + 1], always=True)}"
    if len(line) <= _COMMAND_MOST:
        return line
    return f"{NAME} --paste={hashlib.sha256(text.encode('utf-8', 'replace')).hexdigest()[:12]}"


def _window(weighed: Weighed, now: datetime) -> Window:
    """From the first to the last time that a recognised line names, else the hour until `now`."""
    named = [at for group in weighed.groups for match in group.matches if (at := moment(match)) is not None]
    if not named:
        return Window.ending(now.replace(microsecond=0), _RECENT)
    return Window(min(named), max(named) + timedelta(seconds=1))
