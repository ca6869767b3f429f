"""Are messages getting lost: how many of those that had a receiver went no further, where, and what can't be told.

Opening: queries/investigations/messages.kql; steps: the queries in the folder messages beside it.
Source: "Message loss" in the logs guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.coverage import MESSAGE
from bot.interpret.messages import report
from bot.interpret.messages.tally import places, tally
from bot.knowledge import Knowledge

FINDINGS = "messages_findings"
_POINTS = 20
# Of so many groups and hubs it is looked up who was in them.
_GROUPS = 200


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Times and numbers at once; then who was in the groups and hubs whose messages went no further."""
    hub = question.command.arguments["hub"]
    if not tables:
        seconds = int(slot(question).total_seconds())
        return (Ask("slots", {"hub": hub, "slot_seconds": seconds}), Ask("counters", {}))
    if OPENING not in tables or "members" in tables:
        return ()
    groups, hubs = (_listed(names[:_GROUPS]) for names in places(tables[OPENING].rows))
    return (Ask("members", {"hub": hub, "groups": groups, "hubs": hubs}),) if groups or hubs else ()


def slot(question: Question) -> timedelta:
    """How much time one point of the chart stands for."""
    return timedelta(seconds=max(-(-int(question.command.window.span.total_seconds()) // _POINTS), 1))


def _listed(names: Sequence[str]) -> str:
    """The names between line breaks, as the query compares them; empty for none."""
    return "\n" + "\n".join(names) + "\n" if names else ""


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: lost or not, on which way, of how many, and what these logs can't tell."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    table = knowledge[FINDINGS]
    if coverage.family(question, MESSAGE) is None:
        return report.unlogged(question, table)
    counted = tally(tables[OPENING].rows, tables)
    if not counted.messages:
        return report.nothing(question, table)
    return report.conclude(question, counted, tables, table, slot(question))
