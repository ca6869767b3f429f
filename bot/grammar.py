"""Words sorted into a verb, its values and the window's texts; nothing is read as a number or a time yet."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

from bot import times
from bot.errors import UsageError
from bot.words import Word, join, split, undashed

TRUTHS = {
    "true": True,
    "yes": True,
    "on": True,
    "1": True,
    "false": False,
    "no": False,
    "off": False,
    "0": False,
}
WINDOW_OPTIONS = ("since", "from", "to", "at")
_TIMED = ("datetime", "timespan")
_HELP = ("help", "--help", "-h", "?")
_VERSION = ("version", "--version")
_SELF = ("signalr", "signalr-bot")
_LONGEST_MOMENT = 4  # words: "2026-11-23 14:05 UTC" has three, "1h 30m ago" too
_LONGEST_LINE = 300  # characters; a longer one is no help as a suggestion
_CLOSE = 75.0  # of 100: closer than this an unknown `--option` is a slip, not an id
_NEAR = 60.0  # of 100: worth a "did you mean"


@dataclass(frozen=True, slots=True)
class Parameter:
    """One value that an investigation reads; `type` is Kusto's: string long real bool datetime timespan."""

    name: str
    type: str
    help: str
    default: Any = None
    required: bool = False
    positional: bool = False

    @property
    def option(self) -> str:
        return "--" + self.name.replace("_", "-")

    @property
    def words(self) -> str:
        return self.name.replace("_", " ")


@dataclass(frozen=True, slots=True)
class Verb:
    """A subcommand: `span` is its window's usual length, `example` a line that works.

    `attached` says which log lines can be pasted below the command; empty when none can.
    """

    name: str
    summary: str
    parameters: tuple[Parameter, ...]
    span: timedelta
    example: str
    attached: str = ""


@dataclass(frozen=True, slots=True)
class HelpRequest:
    """Help about everything, or about the verb named by `topic`."""

    topic: str = ""


@dataclass(frozen=True, slots=True)
class VersionRequest:
    """Which version this is."""


@dataclass(slots=True)
class Parts:
    """A command's words: `values` by parameter name; `times` has since, from, to, at and length."""

    name: str
    verb: Verb
    values: dict[str, str] = field(default_factory=dict)
    times: dict[str, str] = field(default_factory=dict)
    resource: str = ""


def read(
    line: str | Sequence[str], verbs: Mapping[str, Verb], works: Callable[[str], bool] = lambda _: False
) -> Parts | HelpRequest | VersionRequest:
    """The parts of `line`: chat text, or words that a shell has split.

    Raises UsageError; of the lines that come to mind it suggests those of which `works` says that they can be used.
    """
    try:
        words = split(line) if isinstance(line, str) else [Word(text) for text in line]
    except UsageError as error:
        raise UsageError(error.message, _any_example(verbs)) from error
    if words and (words[0].text.startswith("/") or words[0].text.casefold() in _SELF):
        words = words[1:]
    first = _normal(words[0].text) if words else "help"
    if first in _HELP:
        return _help(words[1:], verbs)
    if first in _VERSION:
        return VersionRequest()
    if first not in verbs:
        raise _unknown_verb(words, verbs, works)
    rest = words[1:]
    lone = rest[0] if len(rest) == 1 and not rest[0].literal else None
    if (lone and lone.text.casefold() in _HELP) or _asks_help(rest):
        return HelpRequest(first)
    return _Reader(first, verbs[first], words, works).parts()


class _Reader:
    """Sorts the words of one command line; `words` starts with the verb."""

    def __init__(self, name: str, verb: Verb, words: list[Word], works: Callable[[str], bool]) -> None:
        self._words = words
        self._works = works
        self._verb = verb
        self._read = Parts(name, verb)
        self._options = {parameter.option[2:]: parameter for parameter in verb.parameters}
        self._bare: list[Word] = []
        self._next = 1

    def parts(self) -> Parts:
        while self._next < len(self._words):
            word = self._words[self._next]
            self._next += 1
            name, equals, value = word.text.partition("=")
            option = self._option(name) if not word.literal else None
            if word == Word("--"):
                self._bare += [Word(rest.text, literal=True) for rest in self._words[self._next :]]
                break
            if option is None:
                self._bare.append(word)
            elif option.startswith("no-") and option not in self._options:
                self._keep(option[3:], "false")
            else:
                self._keep(option, self._taken(option, Word(value) if equals else None))
        self._place()
        return self._read

    def _option(self, text: str) -> str | None:
        """The option that `text` names, without dashes; None when it names none."""
        text = undashed(text)
        if not text.startswith("-"):
            return None
        name = _normal(text.removeprefix("--")) if text.startswith("--") else text[1:]
        switch = self._options.get(name.removeprefix("no-"))
        known = name in self._options or name in WINDOW_OPTIONS or name == "resource"
        return name if known or (switch is not None and switch.type == "bool") else None

    def _taken(self, option: str, value: Word | None) -> str:
        """The value of `option`: after its `=`, or the next words."""
        parameter = self._options.get(option)
        upcoming = self._words[self._next] if self._next < len(self._words) else None
        if parameter is not None and parameter.type == "bool" and value is None:
            if upcoming is None or upcoming.text.casefold() not in TRUTHS:
                return "true"
            self._next += 1
            return upcoming.text
        if value is None:
            if upcoming is None or (not upcoming.literal and self._ends_value(upcoming.text)):
                raise self._error(f"--{option} needs a value.")
            value = upcoming
            self._next += 1
        if value.literal or not (option in WINDOW_OPTIONS or (parameter and parameter.type in _TIMED)):
            return value.text
        return self._joined(value.text)

    def _joined(self, first: str) -> str:
        """`first` with as many of the next words as make one time: `yesterday 14:05`, `2h ago`."""
        following = self._words[self._next : self._next + _LONGEST_MOMENT - 1]
        for count in range(len(following), 0, -1):
            taken = following[:count]
            text = " ".join([first, *(word.text for word in taken)])
            if not any(word.literal for word in taken) and _is_time(text):
                self._next += count
                return text
        return first

    def _ends_value(self, text: str) -> bool:
        return text == "--" or self._option(text.partition("=")[0]) is not None

    def _keep(self, option: str, text: str) -> None:
        parameter = self._options.get(option)
        if parameter is not None:
            twice = parameter.name in self._read.values
            self._read.values[parameter.name] = text
        elif option == "resource":
            twice = bool(self._read.resource)
            self._read.resource = text
        else:
            twice = option in self._read.times
            self._read.times[option] = text
        if twice:
            raise self._error(f"--{option} is given twice.")

    def _place(self) -> None:
        """The words that belong to no option become the window's length and the positional values."""
        free = [p for p in self._verb.parameters if p.positional and p.name not in self._read.values]
        needed = sum(parameter.required for parameter in free)
        self._join_length(needed)
        lengths = [word for word in self._bare if not word.literal and times.duration(word.text) is not None]
        if lengths and len(self._bare) > needed:
            self._take_length(lengths[-1])
        self._refuse_slips(free)
        if len(self._bare) > len(free):
            raise self._too_many(free)
        for parameter, word in zip(free, self._bare, strict=False):
            self._read.values[parameter.name] = word.text
        missing = [p for p in self._verb.parameters if p.required and p.name not in self._read.values]
        if missing:
            name = missing[0].words if missing[0].positional else missing[0].option
            raise self._error(f"{self._read.name} needs {_article(name)}.")

    def _join_length(self, needed: int) -> None:
        """A number and its unit that stand apart, `2 h` or `1 hour 30 min`, become one word."""
        for count in range(min(_LONGEST_MOMENT, len(self._bare) - needed), 1, -1):
            for start in range(len(self._bare) - count + 1):
                apart = self._bare[start : start + count]
                text = " ".join(word.text for word in apart)
                # `1h 2h` are two lengths, and one of them may be an id
                is_number = times.duration(apart[0].text) is None
                if is_number and not any(word.literal for word in apart) and times.duration(text) is not None:
                    self._bare[start : start + count] = [Word(text)]
                    return

    def _take_length(self, word: Word) -> None:
        # by identity: the same text may stand there as an id too
        position = max(index for index, other in enumerate(self._bare) if other is word)
        del self._bare[position]
        self._read.times["length"] = word.text

    def _refuse_slips(self, free: Sequence[Parameter]) -> None:
        """Raises for a word that looks like an option and is none, unless an id may be what it is."""
        for position, word in enumerate(self._bare):
            if word.literal or not word.text.startswith("-"):
                continue
            name = _normal(word.text.partition("=")[0].lstrip("-"))
            near = _nearest(name, [*self._options, *WINDOW_OPTIONS, "resource", "help"], _CLOSE)
            spare = len(self._bare) > len(free)
            wanted = position < len(free) and (free[position].required or not re.fullmatch("--[a-z][a-z-]*", word.text))
            is_length = times.duration(word.text[1:]) is not None
            if wanted and not spare and not (near and word.text.startswith("--")):
                continue
            if is_length:
                raise self._error(
                    f"A window's length cannot be negative: {times.quoted(word.text)}.",
                    [self._with(word, word.text[1:])],
                )
            if name in ("help", "h"):
                raise self._error("--help takes no value.", [self._with(word, "--help")])
            name, equals, value = word.text.partition("=")
            instead = f" Did you mean --{near[0]}?" if near else ""
            raise self._error(
                f"{self._read.name} has no option {times.quoted(name)}.{instead}",
                [self._with(word, "--help" if each == "help" else f"--{each}{equals}{value}") for each in near],
            )

    def _too_many(self, free: Sequence[Parameter]) -> UsageError:
        extra = self._bare[len(free)]
        if "length" in self._read.times and times.duration(extra.text) is not None:
            return self._error("There are two lengths of time: choose one window.")
        takes = " and ".join(_article(parameter.words) for parameter in free) or "no more words"
        return self._error(f"{self._read.name} takes {takes}; I can't place {times.quoted(extra.text)}.")

    def _with(self, word: Word, text: str) -> str:
        return join([Word(text) if other is word else other for other in self._words])

    def _error(self, message: str, suggestions: Iterable[str] = ()) -> UsageError:
        usable = [line for line in suggestions if _is_fit(line) and self._works(line)]
        return UsageError(message, self._verb.example, usable)


def _normal(text: str) -> str:
    return undashed(text).casefold().replace("_", "-")


def _is_time(text: str) -> bool:
    return times.is_moment(text) or times.duration(text) is not None


def _article(words: str) -> str:
    if words.startswith("--"):
        return words
    return f"{'an' if words[:1] in 'aeiou' else 'a'} {words}"


def _asks_help(words: Sequence[Word]) -> bool:
    for word in words:
        if word == Word("--"):
            return False
        if not word.literal and word.text in ("--help", "-h"):
            return True
    return False


def _help(topics: Sequence[Word], verbs: Mapping[str, Verb]) -> HelpRequest:
    topic = _normal(topics[0].text) if topics else ""
    if topic in verbs:
        return HelpRequest(topic)
    if topic in ("", *_HELP, *_VERSION):
        return HelpRequest()
    near = [f"help {name}" for name in _nearest(topic, verbs, _NEAR)]
    raise UsageError(f"There is no subcommand {times.quoted(topics[0].text)} to help with.", "help", near)


def _unknown_verb(words: Sequence[Word], verbs: Mapping[str, Verb], works: Callable[[str], bool]) -> UsageError:
    first, rest = words[0], words[1:]
    message = f"There is no subcommand {times.quoted(first.text)}."
    names = _nearest(_normal(first.text), [*verbs, "help", "version"], _NEAR)
    lines = [_working([Word(name), *rest], verbs, works) for name in names]
    joined = f"{_normal(first.text)}-{_normal(rest[0].text)}" if rest else ""
    if joined in verbs:
        lines.insert(0, _working([Word(joined), *rest[1:]], verbs, works))
    if not names:
        # an id alone: the subcommands that take just one
        takers = [n for n, v in verbs.items() if sum(p.required for p in v.parameters) == 1]
        lines = [_working([Word(name), *words], verbs, works) for name in takers[:1] if len(first.text) > 8]
    return UsageError(message, _any_example(verbs), [line for line in dict.fromkeys(lines) if line])


def _working(words: Sequence[Word], verbs: Mapping[str, Verb], works: Callable[[str], bool]) -> str:
    """`words` as a line when it can be used, else the verb's example."""
    line, verb = join(words), verbs.get(words[0].text)
    if _is_fit(line) and works(line):
        return line
    return verb.example if verb else words[0].text


def _is_fit(line: str) -> bool:
    return line.isprintable() and len(line) <= _LONGEST_LINE


def _any_example(verbs: Mapping[str, Verb]) -> str:
    return next((verb.example for verb in verbs.values()), "help")


def _nearest(text: str, names: Iterable[str], least: float) -> list[str]:
    """At most three of `names` close to `text`, the closest first."""
    from rapidfuzz import fuzz, process

    found = process.extract(text[:64], list(names), scorer=fuzz.WRatio, score_cutoff=least, limit=3)
    return [name for name, _, _ in found]
