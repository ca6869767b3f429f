"""Whether general words, such as "connection refused", are about Azure SignalR at all.

Many programs write them. They count fully beside a text that only SignalR writes, or beside a SignalR address; they
are dropped where the paste names another program; between the two they are only a possibility. A host's name and a
logger's category decide nothing alone, so that neither of them moves an answer.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.explain.matching import Line
from bot.explain.templates import Book, Signs

# Pages that explain an error are no address that was asked.
_REQUEST = re.compile(
    r"\bhttps?://(?!aka\.ms|go\.microsoft|learn\.|docs\.|\w*\.?github\.|stackoverflow\.)[^\s/'\"<>()]+(?P<path>/[^\s'\"<>()]*)"
    r"|\b(?:GET|POST|PUT|PATCH|DELETE|HEAD|OPTIONS) (?P<line>/\S*)",
    re.IGNORECASE,
)
# How much of a paste is searched for signs, in characters: its first thousands of lines tell what it is.
_SEARCHED = 200_000
_LETTERS = re.compile(r"[a-z]{2}", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Sifted:
    """The lines that are left to weigh; `is_sure` when general words among them surely concern SignalR."""

    lines: Sequence[Line]
    is_sure: bool


def sifted(lines: Sequence[Line], text: str, book: Book) -> Sifted:
    """`lines` of the paste `text` without general words that belong to another program."""
    signs, text = book.signs, text[:_SEARCHED].lower()
    is_sure = bool(signs.ours.search(text)) or any(not each.entry.general for _, hits in lines for each in hits)
    is_named = is_sure or bool(signs.names.search(text))
    is_foreign = not is_named and (bool(signs.others.search(text)) or _asks_elsewhere(text, signs))
    known: dict[str, bool] = {}
    kept: list[Line] = []
    for record, hits in lines:
        if any(each.entry.general for each in hits):
            said = f"{record.message}\n{record.more}".lower()
            if (is_other := known.get(said)) is None:
                is_other = known[said] = is_foreign or _names_another(said, signs)
            if is_other:
                hits = tuple(each for each in hits if not each.entry.general)
        kept.append((record, hits))
    return Sifted(kept, is_sure)


def _names_another(text: str, signs: Signs) -> bool:
    return bool(signs.others.search(text)) and not signs.ours.search(text) and not signs.names.search(text)


def _asks_elsewhere(text: str, signs: Signs) -> bool:
    """Whether the text names requests, and none of them looks like one of SignalR."""
    paths = [found["path"] or found["line"] for found in _REQUEST.finditer(text)]
    return any(_LETTERS.search(path) for path in paths) and not any(signs.ours.search(path) for path in paths)
