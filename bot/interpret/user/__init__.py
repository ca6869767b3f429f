"""What happened to this user: every connection, how each ended, what was refused, and where the user is now.

Opening: queries/investigations/user.kql; steps: the queries in the folder user beside it.
Source: "Client connection drops" in the troubleshooting guide, "Potential connection leak" in the logs guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.coverage import CONNECTION
from bot.interpret.user import stays, story, unseen, words
from bot.knowledge import Knowledge
from bot.model import Verdict


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """At once: what was refused, and the messages. Then, for a user nobody saw: ids like it, and other days."""
    mine = {"user_id": question.command.arguments["user_id"]}
    if not tables:
        return (Ask("others", mine), Ask("messages", mine))
    if tables[OPENING].rows or ("others" in tables and tables["others"].rows):
        return ()
    return [ask for ask in unseen.asks(question) if ask.step not in tables]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: what dropped or was refused and why, or that nothing did, and the last known state."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    others = tables["others"].rows if "others" in tables else ()
    table = knowledge["user_findings"]
    mine = stays.read(tables[OPENING].rows, knowledge["abort_reasons"])
    if not mine and not others:
        if coverage.family(question, CONNECTION) is None:
            found = table["user-not-logged"].finding({"held": coverage.held(question)})
            return Conclusion(
                verdict=Verdict.NO_DATA,
                headline=f"Can't be told: no Connection record was logged, only {coverage.held(question)}.",
                findings=(found,),
                gaps=(silence.connectivity_gap(),),
                provisional_until=coverage.provisional(question),
            )
        return unseen.conclude(question, tables, table)
    return story.conclude(
        words.Seen(question, mine, others, tables["messages"].rows if "messages" in tables else None),
        table,
        knowledge["abort_reasons"],
    )
