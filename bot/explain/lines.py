"""Pasted text to records, whatever wrote it: the logger's frame is told apart from the message it carries.

Structured text (JSON, CSV, "key = value") is in `bot.explain.structured`; here are plain lines, and the order in which
the shapes are tried.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

# What is read of a paste, in characters, and of one line: far above a real one, and a bound on hostile ones.
PASTE_MOST = 4_000_000
LINE_MOST = 4_000

_UNSEEN = re.compile(
    "\x1b\\[[0-9;]*[A-Za-z]|[\x00-\x08\x0b\x0c\x0e-\x1d\x1f\x7f\u00ad\u200b-\u200f\u202a-\u202e\u2060-\u2069\ufeff]"
)
_SECRET = re.compile(
    r"((?:[?&](?:code|sig|access_token)=|(?<![a-z])(?:access_?token|access_?key|password)[\"']?\s*[=:]\s*[\"']?"
    r"|\bbearer (?!error))[\"']?)[\w+/=.~%-]{8,}|\beyJ[\w-]{10,}\.[\w-]+\.?[\w-]*",
    re.IGNORECASE,
)
_CURLY = str.maketrans({"\u2018": "'", "\u2019": "'", "\u201c": '"', "\u201d": '"', "\u201e": '"', "\u00ab": '"',
                        "\u00bb": '"', "\u00a0": " ", "\t": " ", "`": "'"})  # fmt: skip
_TRACE = re.compile(
    r"\s*(?:at (?:async )?[\w.<>$`+\[\], ]+(?:\(|$|@)|--- End of|at .+:line \d+|@https?://|Stack ?trace:)"
)
_LEVEL = r"trce|dbug|info|warn|fail|crit|trace|debug|information(?:al)?|warning|error|critical|fatal|verbose|" \
         r"inf|wrn|err|dbg|vrb|ftl"  # fmt: skip
_STAMP = (
    r"\d{4}[-/.]\d\d[-/.]\d\d[T ]+\d\d:\d\d(?::\d\d(?:[.,]\d+)?)?\s*(?:Z|UTC|GMT|[+-]\d\d:?\d\d)?"
    r"|\d{1,2}[./-](?:\d{1,2}|[A-Z][a-z]{2})[./-]\d{2,4},?(?:[ T]+\d{1,2}:\d\d(?::\d\d)?(?:[.,]\d+)?(?: ?[AP]M)?)?"
    r"|(?:(?:Mon|Tue|Wed|Thu|Fri|Sat|Sun),? )?[A-Z][a-z]{2} +\d{1,2},? (?:\d{4},? )?\d{1,2}:\d\d(?::\d\d)?"
    r"|\d{1,2}:\d\d:\d\d(?:[.,]\d+)?(?: ?[AP]M)?|\d{1,16}\b"
)
_PIECE = re.compile(
    rf"\s*(?:(?P<stamp>{_STAMP})"
    rf"|(?P<level>(?:{_LEVEL})\b:?)"
    r"|(?P<bracket>\[[^\]]{0,160}\]|\([^()]{0,80}\)|<[^<>]{0,80}>)"
    r"|(?P<stream>std(?:out|err) [FP]\b)"
    r"|(?P<android>/[\w.]+|[VDIWEF]/[\w.$*-]+)"
    r"|(?P<dotted>[A-Za-z_][\w`+-]*(?:\.[\w`+<>-]+)+(?:\[\d+\])?:?)"
    r"|(?P<label>[A-Za-z_][\w ./-]{1,60}(?:\[\d+\])?\s?(?:[:|=]|-(?=\s))(?!//))"
    r"|(?P<word>[\w.-]{1,40}(?=\s*[|\[]|\s-\s))"
    r"|(?P<mark>(?:=>|--->|->|[|:\-\u2013\u2014>=,;*#\"'!])+))",
    re.IGNORECASE,
)
_TIME = re.compile(r"\d{4}-\d\d-\d\d[T ]\d\d:\d\d:\d\d(?:\.\d{1,9})?(?: ?(?:Z|UTC)|[+-]\d\d:?\d\d)")
_SUFFIX = re.compile(
    r"\s*(?:\{(?:[^{}]|\{[^{}]*\})*+\}|\|[^|]*|\[[^\[\]]*\]|\([^()]*\)|<[^<>]*>"
    r"|\s(?:@ )?[\w.-]+\.[jt]s(?:\?[\w.=&]*)?:\d+(?::\d+)?)\Z"
)
_CATEGORY = re.compile(r"\bMicrosoft\.Azure\.SignalR(?:\.[\w`+]+)+")


@dataclass(frozen=True, slots=True)
class Record:
    """One message. `fields` are what a structured record or the frame says, by our names:

    time, level, category, operation, collection, connection, connection_type, user, tracing, hub, address, group.
    `more` is text that belongs to it: an exception.
    """

    message: str
    fields: Mapping[str, str] = field(default_factory=dict)
    more: str = ""


def clean(text: str) -> str:
    """`text` without terminal colours, invisible characters and secrets, its line ends uniform."""
    text = _UNSEEN.sub("", text[:PASTE_MOST].replace("\r\n", "\n").replace("\r", "\n"))
    return _SECRET.sub(lambda secret: f"{secret[1] or ''}[removed]", text)


def flat(text: str) -> str:
    """`text` on one line, its typographic marks straight."""
    return " ".join(text.translate(_CURLY).replace('"', "'").split())


def plain(lines: Iterator[str]) -> Iterator[Record]:
    """A record for every line that is no stack frame; a category on its own line belongs to the next."""
    category = ""
    for line in lines:
        if not line.strip() or _TRACE.match(line):
            continue
        for piece in _pieces(line):
            fields = {}
            if named := _CATEGORY.search(piece):
                category = named[0]
            elif not line[:1].isspace():
                category = ""
            if category:
                fields["category"] = category
            if stamp := _TIME.search(piece[:80]):
                fields["time"] = stamp[0]
            yield Record(piece, fields)


def continues(record: Record) -> bool:
    """Whether `record` may be the rest of a line that something broke: it is plain text without a time of its own."""
    piece = _PIECE.match(record.message)
    stamp = (piece["stamp"] or piece["bracket"] or "") if piece else ""
    return not record.more and record.fields.keys() <= {"category"} and not re.search(r"\d[:-]\d", stamp)


def _pieces(line: str) -> Iterator[str]:
    """`line`, in overlapping parts where it is too long to be one message."""
    if len(line) <= LINE_MOST:
        yield line
        return
    for start in range(0, len(line), LINE_MOST - 500):
        yield line[start : start + LINE_MOST]


def starts(text: str) -> list[int]:
    """Where the message of `text` (one flat line) may begin: at its start, and behind each piece of a frame."""
    found, position = [0], 0
    while len(found) < 30 and (piece := _PIECE.match(text, position)) and piece.end() > position:
        # A label may be the message's first words or several pieces at once: what stands in it is looked at too.
        position = piece.end()
        while text[position : position + 1] in (" ", "'"):
            position += 1
        found.append(position)
    return found


def ends(text: str) -> list[int]:
    """Where the message of `text` may end: at its end, and before what a logger adds in brackets or behind a bar."""
    found, end = [len(text)], len(text)
    while len(found) < 6 and (suffix := _SUFFIX.search(text, max(0, end - 400), end)):
        end = suffix.start()
        found.append(end)
    return found
