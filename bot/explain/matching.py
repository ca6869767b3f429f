"""Records to the entries they fit: which line of which template each is, and what stood in its holes."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace

from bot.explain.lines import LINE_MOST, Record, continues, ends, flat, starts
from bot.explain.templates import Book, Entry, Template

_NESTED = 3
_LINES_MOST = 200  # of one record
_EMPTY = re.compile(r"\(?null\)?|\(null\)|\{.*\}|n/?a|undefined|none|-", re.IGNORECASE)
_DISTINCT_MOST = 50_000
# What differs from line to line of one log: ids, and every digit that no template has.
_GUID = re.compile(r"[0-9a-f]{8}(?:-[0-9a-f]{4}){3}-[0-9a-f]{12}", re.IGNORECASE)
_ZERO_GUID = "00000000-0000-0000-0000-000000000000"
_NUMBER = re.compile(r"\d+")
_ZEROS = str.maketrans("123456789", "000000000")
# A paste of more lines is not searched for broken ones, and one line is not broken into more.
_BROKEN_LINES, _BROKEN_INTO = 40, 6


@dataclass(frozen=True, slots=True)
class Match:
    """A line that was recognised, and by which template.

    `holes` holds real values only: no null, no unfilled placeholder.
    `inner` are the lines that its detail or exception text in turn is.
    """

    entry: Entry
    template: str
    text: str
    holes: Mapping[str, str]
    record: Record
    inner: tuple[Match, ...] = ()

    @property
    def known(self) -> Mapping[str, str]:
        """What the record and the holes name; the record's own fields first."""
        return {**self.holes, **{name: value for name, value in self.record.fields.items() if is_real(value)}}


Line = tuple[Record, tuple[Match, ...]]


def is_real(value: str) -> bool:
    """Whether `value` is one, and no stand-in for a missing one."""
    return bool(value.strip()) and not _EMPTY.fullmatch(value.strip())


def matched(found: Iterable[Record], book: Book) -> Iterator[Line]:
    """Every record with the lines that it is; none for one that no template fits."""
    seen: dict[tuple[str, str, str], tuple[Match, ...]] = {}
    reading = _Reading(book)
    for record in found:
        kind = record.fields.get("connection_type", "")
        key = (record.message, record.more, kind)
        hits = seen.get(key)
        if hits is None:
            hits = tuple(_of(record, reading))
            if len(seen) < _DISTINCT_MOST:
                seen[key] = hits
            yield record, hits
        else:
            yield record, tuple(replace(hit, record=record) for hit in hits)


def unbroken(lines: Sequence[Line], book: Book) -> list[Line]:
    """`lines`, those joined that a terminal, a mail or a narrow window has broken: together they say more than alone.

    A long paste is left as it is: a log of that size comes from a file.
    """
    if not 1 < len(lines) <= _BROKEN_LINES:
        return list(lines)
    mended, position, reading = [], 0, _Reading(book)
    while position < len(lines):
        line, taken = _joined(lines[position:], reading)
        mended.append(line)
        position += taken
    return mended


def _joined(lines: Sequence[Line], reading: _Reading) -> tuple[Line, int]:
    """The first of `lines` with as many of the next as make it say most, and how many it took."""
    best, most, taken = lines[0], (0, 0), 1
    size, covered = _said(lines[0][1])
    message = flat(lines[0][0].message)
    for count, (record, hits) in enumerate(lines[1:_BROKEN_INTO], 2):
        message = f"{message} {flat(record.message)}"
        if not continues(record) or len(message) > LINE_MOST:
            break
        size, covered = size + _said(hits)[0], covered + _said(hits)[1]
        whole = replace(lines[0][0], message=message)
        found = tuple(_of(whole, reading))
        more = (_said(found)[0] - size, _said(found)[1] - covered if hits else 0)
        if more > most:
            best, most, taken = (whole, found), more, count
    return best, taken


def _said(hits: Iterable[Match]) -> tuple[int, int]:
    """How many characters of known text `hits` hold, those inside of others too, and how many they take in all."""
    sizes = [(len(hit.template) + _said(hit.inner)[0], len(hit.text)) for hit in hits]
    return sum(size for size, _ in sizes), sum(taken for _, taken in sizes)


def _of(record: Record, reading: _Reading) -> Iterator[Match]:
    found = list(_in(record.message, record, reading, _NESTED))
    if "\n" in record.message:
        # A message may hold several lines of a log, or one that something has broken.
        apart = [
            hit for line in record.message.split("\n")[:_LINES_MOST] for hit in _in(line, record, reading, _NESTED)
        ]
        found = apart if _said(apart) > _said(found) else found
    if record.more and record.more != record.message:
        inner = tuple(
            hit
            for line in record.more.split("\n")[:_LINES_MOST]
            if line.strip()
            for hit in _in(line, record, reading, _NESTED)
        )
        if found:
            found[0] = replace(found[0], inner=(*found[0].inner, *inner))
        else:
            found = list(inner)
    yield from found


def _in(message: str, record: Record, reading: _Reading, depth: int) -> Iterator[Match]:
    for template, entry, hit in reading.spans(flat(message), record) if depth else ():
        holes = {name: value.strip(" '").rstrip(".,;:") for name, value in hit.groupdict(default="").items()}
        rest = _detail(entry, hit, holes)
        inner = tuple(_in(rest, record, reading, depth - 1)) if rest else ()
        real = {name: value for name, value in holes.items() if is_real(value)}
        yield Match(entry, template.text, hit[0], real, record, tuple(_others(entry, inner)))


def _others(entry: Entry, inner: Iterable[Match]) -> Iterator[Match]:
    """`inner`, where a line that wraps another of its own kind gives way to what that one wraps."""
    for match in inner:
        if match.entry.code == entry.code:
            yield from match.inner
        else:
            yield match


def _may_be(entry: Entry, record: Record) -> bool:
    kind = record.fields.get("connection_type", "")
    return not entry.connection or entry.connection.lower() == kind.lower()


Span = tuple[Template, Entry, "re.Match[str]"]


@dataclass(frozen=True, slots=True)
class _Reading:
    """One paste being read. `places` are the templates of each shape of line so far, and from where to where.

    Lines of one shape differ in digits that no template has and in GUIDs, and are equally long, so that the same
    templates stand at the same places in all of them: only the first one is searched.
    """

    book: Book
    places: dict[tuple[str, str], tuple[tuple[Template, Entry, int, int], ...]] = field(default_factory=dict)

    def spans(self, text: str, record: Record) -> list[Span]:
        """The templates of `text`, a flat line, in their order."""
        key = (self._shape(text), record.fields.get("connection_type", ""))
        places = self.places.get(key)
        if places is not None:
            again = [(each, entry, each.whole.match(text, start, end)) for each, entry, start, end in places if end]
            again += [
                (each, entry, each.part.search(text, start))
                for each, entry, start, end in places
                if not end and each.part is not None
            ]
            return [(template, entry, hit) for template, entry, hit in again if hit]
        possible = [pair for pair in self.book.possible(text) if _may_be(pair[1], record)]
        best = _whole(text, possible) if possible else None
        found = [best] if best else _parts(text, possible)
        if len(self.places) < _DISTINCT_MOST:
            self.places[key] = tuple(
                (template, entry, hit.start(), hit.endpos if best else 0) for template, entry, hit in found
            )
        return found

    def _shape(self, text: str) -> str:
        text = _GUID.sub(_ZERO_GUID, text) if text.count("-") >= 4 else text
        if self.book.numbers.isdisjoint(_NUMBER.findall(text)):
            return text.translate(_ZEROS)
        return _NUMBER.sub(lambda run: run[0] if run[0] in self.book.numbers else "0" * len(run[0]), text)


def _whole(text: str, possible: list[tuple[Template, Entry]]) -> Span | None:
    """The template that the message, as little of it as can be taken for a frame, is from first word to last."""
    first, last = starts(text), ends(text)
    for start in first:
        for template, entry in possible:
            for end in last:
                if start < end and (hit := template.whole.match(text, start, end)):
                    return template, entry, hit
    return None


def _parts(text: str, possible: list[tuple[Template, Entry]]) -> list[Span]:
    """The templates that stand inside `text`; where two overlap, the one that came first in `possible`."""
    found: list[Span] = []
    for template, entry in possible:
        if template.part is None or any(other.code == entry.code for _, other, _ in found):
            continue
        hit = template.part.search(text)
        if hit and not any(hit.start() < other.end() and other.start() < hit.end() for _, _, other in found):
            found.append((template, entry, hit))
    return sorted(found, key=lambda span: span[2].start())


def _detail(entry: Entry, hit: re.Match[str], holes: Mapping[str, str]) -> str:
    """The text that `entry` wraps: in its hole, or in all that stands behind it when the hole is in no template."""
    if not entry.detail:
        return ""
    if entry.detail in holes:
        return holes[entry.detail]
    return hit.string[hit.end() :]
