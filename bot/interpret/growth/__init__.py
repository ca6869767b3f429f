"""Why is the number of connections growing: leak or demand, whose, where, and against which limit.

Opening: queries/investigations/growth.kql; steps: the queries in the folder growth beside it.
Source: "Client connection increases constantly" in the troubleshooting guide, "Potential connection leak" in the logs
guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.coverage import CONNECTION
from bot.interpret.growth import counts, leak, seen, verdict, words
from bot.interpret.growth.counts import AGED, STEPS
from bot.knowledge import Knowledge
from bot.model import Row

# So many users and addresses are asked about again.
_ASKED = ("first", "second", "third")


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """At once: who holds what never closed, server connections, limits. Then: all that the likeliest holders opened."""
    window = question.command.window
    if not tables:
        return (
            Ask("holders", {"aged_before": window.start + window.span * AGED / STEPS}),
            Ask("servers", {}),
            Ask("limits", {}),
        )
    users, addresses = leak.suspicious(counts.holders(_rows(tables, "holders")))
    wanted = []
    if users or addresses:
        chosen = {
            f"{place}_{what}": holders[number].who if number < len(holders) else ""
            for what, holders in (("user", users), ("address", addresses))
            for number, place in enumerate(_ASKED)
        }
        wanted.append(Ask("suspects", {**chosen, "since": seen.since(question)}))
    servers = leak.servers(counts.openers(_rows(tables, "servers"), 0))
    if users:
        wanted.append(Ask("oldest", {"user_id": users[0].who, "address": ""}))
    elif addresses or servers:
        address = addresses[0].who if addresses else servers[0].address
        wanted.append(Ask("oldest", {"user_id": "", "address": address}))
    return [ask for ask in wanted if ask.step not in tables]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: leak, demand, a limit that was reached, or what is missing to tell."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    opening = tables[OPENING].rows
    all_seen = seen.Seen(
        question=question,
        named=any(row["named"] for row in opening),
        clients=counts.flow(opening, "Client"),
        servers=counts.flow(opening, "Server"),
        holders=counts.holders(_rows(tables, "holders")),
        openers=counts.openers(_rows(tables, "servers"), counts.step_at(question.command.window, seen.since(question))),
        asked=_rows(tables, "suspects"),
        oldest=_rows(tables, "oldest"),
        limit=seen.limit(_rows(tables, "limits"), knowledge["abort_reasons"]),
    )
    decided = verdict.decide(all_seen, knowledge["growth_findings"])
    has_connections = coverage.family(question, CONNECTION) is not None
    return Conclusion(
        verdict=decided.verdict,
        headline=decided.headline,
        cause=decided.cause,
        further=decided.further,
        candidates=decided.candidates,
        facts=words.facts(all_seen),
        findings=decided.findings,
        rulings=words.rulings(all_seen, decided),
        chart=words.chart(all_seen) if has_connections else None,
        gaps=words.gaps(all_seen),
        next_steps=words.next_steps(all_seen, decided),
        provisional_until=coverage.provisional(question),
    )


def _rows(tables: Tables, step: str) -> Sequence[Row]:
    return tables[step].rows if step in tables else ()
