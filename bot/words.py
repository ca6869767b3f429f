"""Chat text to words: what Slack and phone keyboards do to a command line is undone here, once.

A word keeps how it was written, because quotes and code ticks say "take this as it is": a quoted word is
never an option, a window or prose, and nothing is trimmed from it.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from bot import times
from bot.errors import UsageError

# Slack writes what it recognises as <target> or <target|what was shown>, and every other < > & as an entity
# (Slack docs, "Formatting message text"; slash commands with should_escape). One pass, so that nothing is
# decoded twice.
_MARKUP = re.compile(
    r"<(?P<target>(?:https?:|ftp:|mailto:|tel:|sip:|slack:|[@#!])[^<>|]*)(?:\|(?P<shown>[^<>]*))?>"
    r"|&(?P<entity>amp|lt|gt);"
)
_ENTITY = re.compile(r"&(amp|lt|gt);")
_ENTITIES = {"amp": "&", "lt": "<", "gt": ">"}
_INVISIBLE = re.compile("[\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2064\u2066-\u2069\ufe0e\ufe0f\ufeff]")
_DASHES = "\u2010\u2011\u2012\u2013\u2014\u2015\u2212"
_LEADING_DASHES = re.compile(rf"[-{_DASHES}]*[{_DASHES}][-{_DASHES}]*")
_LONG_DASH = re.compile("[\u2013-\u2015]")

# What ends a word that stands in quotes: prose may follow the closing mark.
_END = r"[.,;:!?\u2026]*(?=\s|\Z)"
_ESCAPED = re.compile(rf'"((?:[^"\\]|\\.|"(?!{_END}))*)"{_END}', re.DOTALL)
_SINGLE, _DOUBLE = ("'", "\u2018", "\u2019"), ('"', "\u201c", "\u201d", "\u201e")
_ESCAPE = re.compile(r'\\(["\\])')
_QUOTED = {
    # A straight mark closes what a straight one opened; keyboards that curl only one of the two come second.
    '"': (_ESCAPED, re.compile(rf'"([^"]*?)[\u201c\u201d]{_END}')),
    **dict.fromkeys(_DOUBLE[1:], (re.compile(rf'["\u201c-\u201e](.*?)["\u201c\u201d]{_END}', re.DOTALL),)),
    **dict.fromkeys(_SINGLE, (re.compile(rf"['\u2018\u2019](.*?)['\u2018\u2019]{_END}", re.DOTALL),)),
    "`": (re.compile(rf"(?:`{{3}}\s*([^`]+?)\s*`{{3}}|`\s*([^`]+?)\s*`){_END}"),),
}
_NAME = re.compile(rf"[-{_DASHES}]{{1,2}}[A-Za-z][A-Za-z0-9_-]*=")
_BARE = re.compile(r"\S+")
_WRAPPED = re.compile(r"\*([^*]+)\*|`+([^`]+)`+|[\"\u201c-\u201e]([^\"\u201c-\u201e]+)[\"\u201c\u201d]")
# The semicolon of an entity that was typed as such is part of it.
_TRAILING = re.compile(r"(?<=[^.,;:!?\u2026])(?<!&lt)(?<!&gt)(?<!&amp)[.,;:!?\u2026]+\Z")
_FENCED = re.compile(r"(`{1,3})([^`]*\s[^`]*)\1")
_PLAIN = re.compile(r"[A-Za-z0-9_/](?:[A-Za-z0-9_\-/:.@+=]*[A-Za-z0-9_\-/@+=])?\Z")


@dataclass(frozen=True, slots=True)
class Word:
    """One word; `literal` when quotes or code ticks say that it means itself."""

    text: str
    literal: bool = False


def split(text: str) -> list[Word]:
    """The words of a chat line: links and entities undone, quotes and ticks removed, stray marks trimmed.

    `--name="a b"` comes as the two words `--name` and `a b`. Raises UsageError for a double quote that is
    opened and not closed.
    """
    text = _MARKUP.sub(_shown, text).strip()
    fence = _FENCED.fullmatch(text)
    return list(_words(fence[2] if fence else text))


def join(words: Sequence[Word]) -> str:
    """The chat line that `split` reads back as `words`."""
    return " ".join(quote(word.text) if word.literal else _unquoted(word.text) for word in words)


def shell(line: str, options: str = "") -> str:
    """The chat line `line` as arguments for a POSIX shell, then `options` (shell text) as they are.

    A shell's quotes keep a word whole but cannot say that it means itself: a quoted word that would be read
    as an option, a window or a call for help stands behind `--`, and an option's value behind `=`.
    Raises UsageError as `split` does.
    """
    arguments: list[str] = []
    behind: list[str] = []
    previous = Word("")
    for word in split(line):
        is_value = previous.text.startswith("--") and "=" not in previous.text and not previous.literal
        if not word.literal or not _means_more(word.text):
            arguments.append(word.text)
        elif is_value:
            arguments[-1] += f"={word.text}"
        else:
            behind.append(word.text)
        previous = word
    return shlex.join(arguments) + options + (f" -- {shlex.join(behind)}" if behind else "")


def quote(text: str, *, always: bool = False) -> str:
    """`text` as one word of a chat line, quoted unless it is plain anyhow."""
    if not always and _PLAIN.match(text):
        return text
    if "<" in text or ">" in text or _ENTITY.search(text):
        text = text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


def _unquoted(text: str) -> str:
    """`text`, a word that a shell has split, as one word of a chat line; quoted only where chat would change it."""
    try:
        is_same = split(text) == [Word(text)]
    except UsageError:
        is_same = False
    name = _NAME.match(text)
    return text if is_same else name[0] + quote(text[name.end() :]) if name else quote(text)


def _means_more(text: str) -> bool:
    return undashed(text).startswith("-") or times.duration(text) is not None or text.casefold() in ("help", "?")


def undashed(text: str) -> str:
    """`text` with every typographic dash a hyphen."""
    return text.translate(dict.fromkeys(map(ord, _DASHES), "-"))


def _shown(match: re.Match[str]) -> str:
    if match["entity"]:
        return _ENTITIES[match["entity"]]
    target, shown = match["target"], match["shown"]
    if target[0] in "@#!":
        mark = "#" if target[0] == "#" else "@"
        text = mark + (shown or target[1:]).lstrip("@#")
    else:
        text = shown or target.removeprefix("mailto:").removeprefix("tel:")
    return _ENTITY.sub(lambda entity: _ENTITIES[entity[1]], text)


def _words(text: str) -> Iterator[Word]:
    position = 0
    apostrophes: tuple[str, ...] = ()  # marks that nothing closes from here on; looking again at each would take long
    while start := _BARE.search(text, position):
        position = start.start()
        name = _NAME.match(text, position)
        opening = name.end() if name else position
        mark = text[opening : opening + 1]
        found = _in_quotes(text, opening) if mark not in apostrophes else None
        if found is not None:
            if name:
                yield Word(_dashed(name[0].removesuffix("=")))
            inside = found[found.lastindex or 1]
            yield Word(_ESCAPE.sub(r"\1", inside) if found.re is _ESCAPED else inside, literal=True)
            position = found.end()
        elif mark in _DOUBLE:
            raise UsageError("A quotation mark is opened and not closed.")
        else:
            apostrophes = _SINGLE if mark in _SINGLE else apostrophes
            yield from _trimmed(start[0])
            position = start.end()


def _in_quotes(text: str, opening: int) -> re.Match[str] | None:
    patterns = _QUOTED.get(text[opening : opening + 1], ())
    return next((match for pattern in patterns if (match := pattern.match(text, opening))), None)


def _trimmed(text: str) -> Iterator[Word]:
    """The word in `text` without the marks around it; nothing when only invisible characters are there."""
    text, literal = _INVISIBLE.sub("", text), False
    while True:
        text = _TRAILING.sub("", text)
        wrapped = _WRAPPED.fullmatch(text)
        if wrapped is None:
            break
        literal = literal or wrapped.lastindex != 1
        text = wrapped[wrapped.lastindex or 0]
    text = text.strip("`") or text
    if text:
        yield Word(text if literal else _dashed(text), literal)


def _dashed(text: str) -> str:
    """`text` with typographic dashes at its start as typed: `--` for a long one, unless a number follows."""
    dashes = _LEADING_DASHES.match(text)
    if dashes is None:
        return text
    rest = text[dashes.end() :]
    is_option = _LONG_DASH.search(dashes[0]) is not None and not rest[:1].isdecimal()
    return ("--" if is_option else undashed(dashes[0])) + rest
