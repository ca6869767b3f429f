"""Whether so much of a log is missing that "nothing stands out" would say too much."""

from __future__ import annotations

from datetime import timedelta

from bot.interpret import Question, coverage

# Seconds are lost on any day, and hide no incident that shows before and after them as well.
# Source: resource logs are not promised to be lossless ("Azure resource logs" on Microsoft Learn).
PART, LONG = 0.02, timedelta(minutes=5)


def large(question: Question, name: str) -> str:
    """Why the quiet of the family `name` proves nothing for the window as a whole; "" when its gaps are small."""
    held = coverage.family(question, name)
    spans = [gap.span for gap in held.gaps] if held else []
    if held and sum(spans, timedelta(0)) < PART * question.command.window.span and all(span < LONG for span in spans):
        return ""
    return coverage.missing(question, name)
