"""The next question, as a command line that is ready to run."""

from __future__ import annotations

from bot import times
from bot.interpret import Question
from bot.model import NextStep, Window
from bot.words import quote


def step(label: str, question: Question, verb: str, *arguments: str, window: Window | None = None) -> NextStep:
    """`verb` with `arguments` about the same resource, in the question's window unless another is given.

    `label` starts with a verb and has at most 30 characters.
    """
    asked = window or question.command.window
    named = question.command.resource
    words = [verb, *(quote(argument, always=_means_more(argument)) for argument in arguments)]
    words += ["--from", times.iso(asked.start), "--to", times.iso(asked.end)]
    words += [f"--resource={quote(named)}"] if named else []
    return NextStep(label, " ".join(words))


def _means_more(argument: str) -> bool:
    """Whether the word would be read as a window or a call for help without quotes."""
    return times.duration(argument) is not None or argument.casefold() in ("help", "h")
