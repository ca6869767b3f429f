"""Why did a client miss a group message: did messages to a group reach the service before the join to it?

Opening: queries/investigations/group_race.kql; steps: the queries in the folder group_race beside it. A join's record
names the app server's connection, not the client's, so whose join it is follows from time alone, and is said to.
Source: "Message loss" in the logs guide, a client misses messages of its group.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, onward, paths, silence
from bot.interpret.coverage import MESSAGE
from bot.interpret.group_race import race, words
from bot.interpret.group_race.race import REACH, Race
from bot.interpret.said import count, percent
from bot.knowledge import Knowledge
from bot.model import Cause, Confidence, Evidence, Family, Row, Verdict

FINDINGS = "group_race_findings"
_CAUSE = (Family.GROUP, "sent-before-join")


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Everything at once: no step needs another's rows."""
    if tables:
        return ()
    given = question.command.arguments
    about = {"group": given["group"]}
    found = [Ask("leads", about), Ask("pairs", {**about, "most": REACH}), Ask("chance", about)]
    if given["user"] or given["connection"]:
        found.append(Ask("starts", {"user": given["user"], "connection": given["connection"]}))
    return found


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: sent before the join, a tie, no sign of it, or what is missing to tell."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    table = knowledge[FINDINGS]
    if coverage.family(question, MESSAGE) is None:
        return _unlogged(question, table)
    totals = tables[OPENING].rows[0] if tables[OPENING].rows else {}
    asked = bool(question.command.arguments["user"] or question.command.arguments["connection"])
    if asked and "starts" in tables and not tables["starts"].rows:
        return _undecided(question, totals, table, "no-such-client", "no start of that client was logged in the window")
    if not (totals.get("joins") and totals.get("sends")):
        what = "join" if not totals.get("joins") else "message to a group"
        return _undecided(question, totals, table, "nothing-to-compare", f"no {what} was logged")
    if not (totals["joins_named"] and totals["sends_named"]):
        return _undecided(question, totals, table, "groups-unnamed", "the records do not name the groups")
    seen = race.read(question, tables, asked)
    common = Conclusion(
        verdict=Verdict.OK,
        headline="",
        facts=words.facts(totals, seen),
        gaps=words.gaps(question, totals),
        next_steps=words.next_steps(question, seen),
        provisional_until=coverage.provisional(question),
    )
    base = Evidence("What was compared", words.compared(totals, seen), step="leads")
    if seen.beaten or seen.is_early:
        return _found(common, seen, totals, table, base)
    if seen.is_tied:
        entry = table["tie"]
        said = {"ties": count(len(seen.ties), "pair"), "luck": words.luck(seen.ties_by_luck)}
        tied = words.finding(entry.finding(said, (words.pairs("Ties", seen.ties), base)), seen.ties)
        return replace(
            common,
            verdict=Verdict.UNDECIDED,
            headline=f"Can't be decided: {count(len(seen.ties), 'message')} and the join made just before it arrived "
            "within the same second, and the log's clock shows no less.",
            candidates=entry.candidates,
            findings=(tied,),
        )
    if lack := coverage.incomplete(question, coverage.MESSAGE):
        return _undecided(question, totals, table, "nothing-to-compare", lack)
    why = words.compared(totals, seen)
    return replace(
        common,
        headline=f"No sign of it: of {count(totals['joins'], 'join')} none was overtaken by a message to its group"
        f"{words.only_luck(seen)}.",
        findings=(table["no-race"].finding({"early": words.luck(seen.early_by_luck)}, (base,)),),
        rulings=(coverage.ruling(question, *_CAUSE, why, (MESSAGE,)),),
    )


def _found(common: Conclusion, seen: Race, totals: Row, table: Knowledge, base: Evidence) -> Conclusion:
    proven = bool(seen.beaten)
    rows = seen.beaten or seen.early
    number = seen.beaten_joins if proven else race.joins(rows)
    said = {
        "joins": count(number, "join"),
        "share": percent(number, totals["joins"]),
        "base": f"{totals['joins']:,}",
        "margin": words.margin(rows),
        "luck": words.luck(seen.early_by_luck),
    }
    entry = table["overtaken" if proven else "early"]
    why = " that should have come behind it" if proven else ", more than by chance"
    return replace(
        common,
        verdict=Verdict.FINDING,
        headline=f"Sent before the join: {said['joins']} of {said['base']} reached the service {said['margin']} "
        f"after a message to the same group{why}{words.of_groups(rows)}.",
        cause=Cause(*_CAUSE, Confidence.MEDIUM),
        findings=(words.finding(entry.finding(said, (words.pairs("The pairs", rows), base)), rows, number),),
    )


def _undecided(question: Question, totals: Row, table: Knowledge, code: str, why: str) -> Conclusion:
    steps = paths.where_logged(question) if coverage.incomplete(question, coverage.MESSAGE) else ()
    proof = Evidence(
        "What was logged",
        f"{count(totals.get('joins') or 0, 'join')} and {count(totals.get('sends') or 0, 'message')} to groups.",
        step="opening",
    )
    entry = table[code]
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Can't be decided: {why}.",
        candidates=entry.candidates,
        findings=(entry.finding({"why": why}, (proof,)),),
        gaps=tuple(each for each in (coverage.gap(question, MESSAGE, "Joins and messages in that time"),) if each),
        rulings=coverage.unknown(question, MESSAGE, _CAUSE),
        next_steps=(*steps, onward.step("Check for lost messages", question, "messages")),
        provisional_until=coverage.provisional(question),
    )


def _unlogged(question: Question, table: Knowledge) -> Conclusion:
    gap = coverage.gap(question, MESSAGE, "Any join or message")
    proof = Evidence("What was logged", f"{coverage.held(question)} in the window.", step="coverage")
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="Can't be told: no Message record was logged in the window: no joins, no messages.",
        findings=(table["no-messages-logged"].finding({}, (proof,)),),
        gaps=(gap,) if gap else (),
        rulings=coverage.unknown(question, MESSAGE, _CAUSE),
        next_steps=(onward.step("Check what is logged", question, "logs"),),
        provisional_until=coverage.provisional(question),
    )
