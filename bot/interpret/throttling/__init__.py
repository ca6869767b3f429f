"""Why 429, why can't they connect: which limit refused them, when, how full it was, and with whose connections.

Opening: queries/investigations/throttling.kql; steps: the queries in the folder throttling beside it.
Source: "429 Too Many Requests" in the troubleshooting guide; "Throttling" and "Collecting with filter" in the logs
guide. What the service writes for the limits on negotiating and on diagnostic clients is not public.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.said import count, moment, short
from bot.interpret.throttling import holders, limits, storm, words
from bot.interpret.throttling.holders import Holders
from bot.interpret.throttling.limits import CONNECTIONS, MESSAGES, UNKNOWN, Limit
from bot.interpret.throttling.storm import Storm
from bot.knowledge import Knowledge
from bot.model import Cause, Confidence, Evidence, Family, Finding, Verdict, Window

FINDINGS = "throttling_findings"
REASONS = "abort_reasons"
_ENTRIES = {CONNECTIONS: "connection-limit-reached", MESSAGES: "message-quota-used-up", UNKNOWN: "unknown-throttling"}
# The window is cut into about so many pieces, none shorter than a client's first tries to reconnect take.
_PIECES, _SHORTEST = 1400, 10
# Most connections that are open at a moment began within the day before it.
_BEFORE = timedelta(days=1)
_SHOWN = 5


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """All that needs no row first; then what was open when the first connection was refused."""
    if not tables:
        slot = {"slot_seconds": _slot(question).seconds}
        return [Ask("closes", {}), Ask("course", slot), Ask("diagnostic", {})]
    refusals = tables[OPENING].rows
    closes = [row for row in tables["closes"].rows if row["mine"]] if "closes" in tables else []
    if "open" in tables or not (refusals or closes):
        return ()
    window = question.command.window
    values = {
        "at": min(row["first_seen"] for row in refusals or closes),
        "refused_as": max(closes, key=lambda row: row["connections"])["Message"] if closes else "",
    }
    return [Ask("open", values, Window(window.start - _BEFORE, window.end))]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: the limit, since when and in which bursts, what filled it, and what to look at next."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    closes = tables["closes"].rows if "closes" in tables else ()
    found = limits.read(tables[OPENING].rows, closes, knowledge[REASONS])
    if not found:
        return _none(question, tables, knowledge[FINDINGS])
    held = holders.read(tables["open"].rows, min(each.first for each in found)) if "open" in tables else None
    rush = _storm(question, tables, found)
    findings = [_finding(question, each, tables, held, rush, knowledge[FINDINGS]) for each in found[:_SHOWN]]
    full = held if held is not None and any(each.kind == CONNECTIONS for each in found) else None
    findings += _fillers(full, knowledge[FINDINGS])
    causes = [Cause(Family.QUOTA, each.kind, Confidence.HIGH) for each in found if each.kind != UNKNOWN]
    further = [*causes[1:], *(full.causes if full else ())]
    return Conclusion(
        verdict=Verdict.FINDING if causes else Verdict.UNDECIDED,
        headline=words.headline(found),
        cause=causes[0] if causes else None,
        further=tuple(further),
        candidates=tuple(
            each
            for each in words.candidates(found, rush, tables.get("diagnostic"))
            if each.code not in {cause.code for cause in further}
        ),
        facts=words.facts(found, held),
        findings=tuple(findings),
        rulings=words.rulings(question, {each.kind for each in found}),
        gaps=words.gaps(question, found, held),
        next_steps=words.next_steps(question, found),
        notes=words.notes(found, _SHOWN),
        provisional_until=coverage.provisional(question),
    )


def _slot(question: Question) -> timedelta:
    return timedelta(seconds=max(round(question.command.window.span.total_seconds() / _PIECES), _SHORTEST))


def _storm(question: Question, tables: Tables, found: Sequence[Limit]) -> Storm | None:
    """The rush around the first refusal whose text is not known; without a refusal, one after a mass drop."""
    unknown = [each.first for each in found if each.kind == UNKNOWN]
    if "course" not in tables or (found and not unknown):
        return None
    window, slot = question.command.window, _slot(question)
    return storm.find(
        tables["course"].rows, window.start, slot, int(window.span / slot), min(unknown) if unknown else None
    )


def _finding(
    question: Question, limit: Limit, tables: Tables, held: Holders | None, rush: Storm | None, table: Knowledge
) -> Finding:
    proof = [limits.evidence(limit)]
    window = question.command.window
    if limit.refusals and "course" in tables:
        proof += [each] if (each := limits.bursts(tables["course"].rows, window.start, _slot(question))) else []
    if held is not None and limit.kind == CONNECTIONS and not held.causes:
        proof.append(holders.evidence(held))
    said = {
        "refused": words.refused(limit),
        "text": short(limit.text, 300),
        "sides": words.sides(limit),
        "open": held.text if held else "",
        "until": words.until(limit),
        "storm": rush.text if rush else "No rush of connections was seen just before.",
    }
    return replace(table[_ENTRIES[limit.kind]].finding(said, proof), scope=limit.scope)


def _fillers(held: Holders | None, table: Knowledge) -> list[Finding]:
    """What filled the limit, where one address stands out."""
    if held is None:
        return []
    proof = [holders.evidence(held)]
    found = [
        table[code].finding({"holder": holders.title(row, held), "open": held.text}, proof)
        for code, row in (("one-holder", held.client), ("one-server-holder", held.server))
        if row is not None
    ]
    return [table["one-each"].finding({"open": held.text}, proof)] if held.one_each else found


def _none(question: Question, tables: Tables, table: Knowledge) -> Conclusion:
    """No refusal for a limit: so it is where closes are logged too, but for the refusals that leave no record."""
    connections = coverage.family(question, coverage.CONNECTION)
    lack = coverage.missing(question, coverage.CONNECTION)
    rush = _storm(question, tables, ())
    enough = not coverage.incomplete(question, coverage.CONNECTION) and "closes" in tables
    findings: tuple[Finding, ...] = ()
    if rush is not None:
        proof = Evidence("The rush", rush.text, step="course")
        findings = (table["rush-without-refusal"].finding({"storm": rush.text}, [proof]),)
        verdict = Verdict.UNDECIDED
        text = f"No refusal was logged, but many connected at once at {moment(rush.at)}: can't be decided."
    elif enough and connections is not None:
        verdict = Verdict.OK
        text = (
            f"No limit was reached, as far as is logged: no refusal, and none of "
            f"{count(connections.rows, 'Connection record')} names one{f' ({lack})' if lack else ''}."
        )
    else:
        verdict = Verdict.NO_DATA
        text = f"No refusal was logged, and {lack or 'the closes could not be read'}."
    return Conclusion(
        verdict=verdict,
        headline=text,
        candidates=words.candidates((), rush, tables.get("diagnostic")) if rush else (),
        findings=findings,
        rulings=words.rulings(question, set()),
        gaps=words.gaps(question, (), None),
        next_steps=words.next_steps(question, ()),
        provisional_until=coverage.provisional(question),
    )
