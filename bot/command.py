"""Command lines: what a person types, in Slack, at the prompt or in a shell, and what it asks for.

    why-dropped Ab3dE_f-9 2h
    why-dropped Ab3dE_f-9 --from yesterday 14:05 --to 15:00
    help why-dropped

Pure: the present and the asker's time zone are passed in. `bot.grammar` sorts the words, `bot.times` reads
the times; here they become typed values and a window.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta, tzinfo
from typing import Any

from bot import grammar, kql, times
from bot.errors import UsageError
from bot.grammar import TRUTHS, HelpRequest, Parameter, Verb, VersionRequest
from bot.model import Window
from bot.words import quote

__all__ = ["Command", "HelpRequest", "Parameter", "Verb", "VersionRequest", "needs_zone", "parse", "quote"]

LONGEST = timedelta(days=31)
AROUND = timedelta(hours=1)
_WINDOWS = [
    set(),
    {"length"},
    {"since"},
    {"at"},
    {"at", "length"},
    {"from"},
    {"to"},
    {"from", "to"},
    {"from", "length"},
    {"to", "length"},
]


@dataclass(frozen=True, slots=True)
class Command:
    """What was asked: `arguments` holds a value for every parameter of the verb, by name.

    `resource` is a name or a resource id, empty for every resource. `window_given` says whether the line
    named a window. Neither it nor `parameters` (the verb's, which `line` writes by) tells two commands apart.
    """

    verb: str
    arguments: Mapping[str, Any]
    window: Window
    window_given: bool = field(compare=False)
    resource: str = ""
    parameters: tuple[Parameter, ...] = field(default=(), repr=False, compare=False)

    @property
    def line(self) -> str:
        """The command text that `parse` reads back as an equal Command, its window absolute, in UTC.

        For a shell see `bot.words.shell`; values that equal their default are left out.
        """
        positionals, options = [], []
        in_order = True
        for parameter in self.parameters:
            value = self.arguments.get(parameter.name, parameter.default)
            left_out = not parameter.required and value == parameter.default
            if not parameter.positional:
                options += [] if left_out else [_option(parameter, value)]
            elif left_out:
                in_order = False
            elif in_order:
                positionals.append(_positional(_text(value)))
            else:
                options.append(_option(parameter, value))
        window = ["--from", times.iso(self.window.start), "--to", times.iso(self.window.end)]
        resource = ["--resource=" + quote(self.resource)] if self.resource else []
        return " ".join([self.verb, *positionals, *options, *window, *resource])


def parse(
    line: str | Sequence[str], verbs: Mapping[str, Verb], now: datetime, zone: tzinfo
) -> Command | HelpRequest | VersionRequest:
    """What `line` asks for: a str is chat text, a Sequence the words that a shell has already split.

    `now` is aware; times without a zone are read in `zone` (see `bot.times`). The window is, in UTC:

    - `2h`, `--since 2h`: the last two hours; `--since T`: from T until now;
    - `--from A --to B`; without `--to` it ends now, without `--from` it is as long as the verb's usual one,
      and with a length (`--from A 2h`) it has that;
    - `--at T`: an hour, or the length that is given, with T in its middle; `--at DAY`: that day;
    - nothing: the verb's usual length until now.

    The present counts in whole seconds, so that windows read well. Raises UsageError: its hint is a line
    that works, its suggestions are whole lines.
    """

    def works(suggestion: str) -> bool:
        try:
            _typed(grammar.read(suggestion, verbs), now, zone)
        except UsageError:
            return False
        return True

    return _typed(grammar.read(line, verbs, works), now, zone)


def _typed(
    parts: grammar.Parts | HelpRequest | VersionRequest, now: datetime, zone: tzinfo
) -> Command | HelpRequest | VersionRequest:
    if not isinstance(parts, grammar.Parts):
        return parts
    try:
        arguments = {
            parameter.name: _value(parameter, parts.values[parameter.name], now, zone)
            if parameter.name in parts.values
            else parameter.default
            for parameter in parts.verb.parameters
        }
        window = _window(parts.times, parts.verb.span, now.replace(microsecond=0), zone)
        resource = kql.clean(parts.resource, "resource")
    except UsageError as error:
        raise UsageError(error.message, parts.verb.example, error.suggestions) from error
    return Command(parts.name, arguments, window, bool(parts.times), resource, parts.verb.parameters)


def divided(line: str, verbs: Mapping[str, Verb]) -> tuple[str, str]:
    """A chat text as its command and the log lines pasted below it, for a subcommand that takes such lines."""
    head, newline, rest = line.lstrip().partition("\n")
    try:
        parts = grammar.read(head, verbs) if newline else None
    except UsageError:
        return line, ""
    return (head, rest) if isinstance(parts, grammar.Parts) and parts.verb.attached else (line, "")


def needs_zone(line: str | Sequence[str], verbs: Mapping[str, Verb]) -> bool:
    """Whether `line` names a time or a day without a zone; False for a line that cannot be read."""
    try:
        parts = grammar.read(line, verbs)
    except UsageError:
        return False
    if not isinstance(parts, grammar.Parts):
        return False
    typed = [
        parts.values[parameter.name]
        for parameter in parts.verb.parameters
        if parameter.type == "datetime" and parameter.name in parts.values
    ]
    return any(times.lacks_zone(text) for text in [*parts.times.values(), *typed])


def _window(given: Mapping[str, str], span: timedelta, now: datetime, zone: tzinfo) -> Window:
    if set(given) not in _WINDOWS:
        shown = [text if name == "length" else f"--{name}" for name, text in given.items()]
        raise UsageError(f"{' and '.join(shown)} cannot go together: choose one window.")
    length = _length(given["length"]) if "length" in given else None
    if "at" in given:
        start, end = _around(times.moment(given["at"], now, zone), length)
    else:
        start, end = _between(given, length, span, now, zone)
    if start > now:
        raise UsageError(f"The window starts in the future: {times.iso(start)}; it is now {times.iso(now)}.")
    if start >= end:
        raise UsageError(f"The window's start, {times.iso(start)}, is not before its end, {times.iso(end)}.")
    if end - start > LONGEST:
        raise UsageError(f"That window is longer than {LONGEST.days} days, the most I look at in one go.")
    return Window(start, end)


def _around(middle: times.Moment, length: timedelta | None) -> tuple[datetime, datetime]:
    if length is None and middle.day_end is not None:
        return middle.at, middle.day_end
    half = (length or AROUND) / 2
    return times.before(middle.at, half), times.after(middle.at, half)


def _between(
    given: Mapping[str, str], length: timedelta | None, span: timedelta, now: datetime, zone: tzinfo
) -> tuple[datetime, datetime]:
    begun = given.get("from") or given.get("since")
    if begun is None:
        end = times.moment(given["to"], now, zone).at if "to" in given else now.astimezone(UTC)
        return times.before(end, length or span), end
    start = _since(begun, now, zone)
    if length is not None:
        return start, times.after(start, length)
    if "to" not in given:
        return start, now.astimezone(UTC)
    ended = times.moment(given["to"], now, zone)
    # `--from 22:00 --to 23:45` asked at 23:30 means the evening that is not over yet
    return start, ended.later_today if ended.later_today and ended.at <= start else ended.at


def _since(text: str, now: datetime, zone: tzinfo) -> datetime:
    if times.duration(text) is not None:
        return times.before(now, _length(text))
    return times.moment(text, now, zone).at


def _length(text: str) -> timedelta:
    length = times.duration(text.removeprefix("-"))
    if length is None:
        raise UsageError(f"{times.quoted(text)} is not a length of time like 90m, 2h or 7d.")
    if text.startswith("-"):
        raise UsageError(f"A window's length cannot be negative: {times.quoted(text)}.")
    if length <= timedelta(0):
        raise UsageError(f"A window's length cannot be zero: {times.quoted(text)}.")
    if length > LONGEST:
        raise UsageError(f"{times.quoted(text)} is longer than {LONGEST.days} days, the most I look at in one go.")
    return length


def _value(parameter: Parameter, text: str, now: datetime, zone: tzinfo) -> Any:
    kql.clean(text, parameter.words)
    if parameter.required and not text.strip():
        raise UsageError(f"The {parameter.words} is empty.")
    value: Any = None
    match parameter.type:
        case "string":
            return text
        case "datetime":
            return times.moment(text, now, zone).at
        case "timespan":
            value, wanted = times.duration(text), "a length of time like 90m, 2h or 7d"
        case "bool":
            value, wanted = TRUTHS.get(text.casefold()), "true or false"
        case "long":
            value, wanted = _number(text, int), "a whole number"
        case _:
            value, wanted = _number(text, float), "a number"
    if value is None or value == timedelta.max:
        raise UsageError(f"{parameter.option} takes {wanted}, not {times.quoted(text)}.")
    return value


def _number(text: str, kind: type[int] | type[float]) -> int | float | None:
    if not text.isascii() or "_" in text or len(text) > 64:
        return None
    try:
        number = kind(text)
    except ValueError:
        return None
    # Kusto's long has 64 bits, its real no infinities that a person would type
    return number if math.isfinite(number) and (kind is float or -(2**63) <= number < 2**63) else None


def _option(parameter: Parameter, value: Any) -> str:
    return f"{parameter.option}={quote(_text(value))}"


def _positional(text: str) -> str:
    taken = times.duration(text) is not None or text.casefold() in ("help", "h")
    return quote(text, always=taken)


def _text(value: Any) -> str:
    match value:
        case bool():
            return "true" if value else "false"
        case datetime():
            return times.iso(value)
        case timedelta():
            return times.span_text(value)
        case _:
            return str(value)
