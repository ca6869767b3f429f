"""Why 401: which tokens the service refused, in what they were wrong, since when, and where they come from.

Opening: queries/investigations/auth.kql; steps: the queries in the folder auth beside it.
Source: "Unauthorized connections" in the logs guide, "401 Unauthorized" in the troubleshooting guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace

from bot import reasons
from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, silence
from bot.interpret.auth import lifetimes, refusals, words
from bot.interpret.auth.lifetimes import Ceiling
from bot.interpret.auth.refusals import Course, Group
from bot.interpret.said import count, during, short
from bot.knowledge import Knowledge
from bot.model import Candidate, Cause, Confidence, Evidence, Fact, Family, Finding, Scope, Severity, Verdict

FINDINGS = "auth_findings"
REASONS = "abort_reasons"
# A few bad tokens among many good ones are somebody's old page, not an outage.
_STRAY_MOST, _STRAY_SHARE = 10, 0.01
_SHOWN = 5


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """All that needs no row first; then who got in meanwhile, and how many connections reach a suspicious age."""
    if not tables:
        return [Ask("places", {}), Ask("closes", {}), Ask("lifetimes", {"piece": lifetimes.PIECE})]
    found = []
    if tables[OPENING].rows and "course" not in tables:
        refused = refusals.span(tables[OPENING].rows)
        found.append(Ask("course", {"began": refused.first, "stopped": refused.last, "hub": refused.hub}))
    peak = lifetimes.peak(tables["lifetimes"].rows) if "lifetimes" in tables else None
    held = coverage.family(question, coverage.CONNECTION)
    if peak and held and "ceiling" not in tables:
        found.append(Ask("ceiling", {**peak.parameters, "logged_until": held.last}))
    return found


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer, in the order it is read: what was refused and why, since when, from where, what to change."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    groups = refusals.read(tables[OPENING].rows, knowledge[FINDINGS])
    aborts = _aborts(tables, knowledge)
    ceiling = _ceiling(tables, knowledge[FINDINGS])
    if not groups and not aborts and not ceiling:
        return words.nothing(question)
    course = _course(question, tables)
    findings = [_finding(question, group, groups, course, tables) for group in groups[:_SHOWN]]
    findings += [*aborts, *([ceiling.finding] if ceiling else [])]
    causes = _causes(groups, aborts, ceiling)
    return Conclusion(
        verdict=Verdict.FINDING if causes else Verdict.UNDECIDED,
        headline=words.headline(question, groups, findings),
        cause=causes[0] if causes else None,
        further=tuple(causes[1:]),
        candidates=_candidates(groups, ceiling),
        facts=words.facts(groups, course),
        findings=tuple(findings),
        rulings=words.rulings(question, groups, aborts, ceiling),
        gaps=words.gaps(question, groups),
        next_steps=words.next_steps(question, groups, findings),
        notes=words.notes(tables, groups, _SHOWN),
        provisional_until=coverage.provisional(question),
    )


def _course(question: Question, tables: Tables) -> Course | None:
    rows = tables[OPENING].rows
    # Without Connection records, that none started is not known.
    if "course" not in tables or not rows or coverage.family(question, coverage.CONNECTION) is None:
        return None
    return refusals.course(tables["course"].rows[0], refusals.span(rows), question.command.window.start)


def _ceiling(tables: Tables, table: Knowledge) -> Ceiling | None:
    if "ceiling" not in tables:
        return None
    peak = lifetimes.peak(tables["lifetimes"].rows)
    return lifetimes.read(tables["ceiling"], peak, table) if peak else None


def _finding(
    question: Question, group: Group, groups: Sequence[Group], course: Course | None, tables: Tables
) -> Finding:
    proof = [refusals.pairs(group)]
    places = tables.get("places")
    if places is not None and places.rows and len(groups) == 1:
        proof.append(refusals.by_place(places, group.refusals))
    if course is not None and group is groups[0]:
        proof.append(words.over_time(question, group, course))
    found = group.entry.finding(words.of(group), proof)
    failure = group.failure
    reach = refusals.scope(group, places, len(groups) == 1)
    more = [*([] if failure is None else words.other_parts(failure)), *words.origin(group, reach)]
    return replace(
        found,
        severity=Severity.INFO if _stray(group, course) else found.severity,
        meaning=" ".join([found.meaning, *more]),
        scope=reach,
    )


def _stray(group: Group, course: Course | None) -> bool:
    """Whether these are a few client tokens among many good ones. An app server that is refused is never a stray."""
    started = course.before + course.meanwhile + course.after if course else 0
    few = group.refusals < _STRAY_MOST and group.refusals < _STRAY_SHARE * started
    return few and not group.of_servers


def _aborts(tables: Tables, knowledge: Mapping[str, Knowledge]) -> list[Finding]:
    """Connections that were closed as not authorized, as one finding."""
    rows = tables["closes"].rows if "closes" in tables else ()
    mine = [
        row
        for row in rows
        if knowledge[REASONS].explain(reasons.read(row["Message"]), row["ConnectionType"].capitalize()).code
        == "unauthorized"
    ]
    if not mine:
        return []
    total = sum(row["connections"] for row in mine)
    first, last = min(row["first_seen"] for row in mine), max(row["last_seen"] for row in mine)
    said = short(mine[0]["Message"], 300)
    proof = Evidence(
        "Closed as not authorized",
        f"{count(total, 'connection')} closed {during(first, last)}.",
        ("Connections", "Text", "From", "First (UTC)", "Last (UTC)"),
        tuple(
            (row["connections"], short(row["Message"], 300), row["ConnectionType"], row["first_seen"], row["last_seen"])
            for row in mine[:_SHOWN]
        ),
        len(mine),
        "closes",
    )
    shared = []
    for label, number, name in (("address", "addresses", "address"), ("hub", "hubs", "hub")):
        if {row[number] for row in mine} == {1} and len({row[name] for row in mine}) == 1 and mine[0][name]:
            shared.append(Fact(label, mine[0][name]))
    found = knowledge[FINDINGS]["unauthorized-aborts"].finding(
        {"refusals": count(total, "connection"), "text": said}, [proof]
    )
    return [replace(found, scope=Scope(total, "connections", first, last, tuple(shared)))]


def _causes(groups: Sequence[Group], aborts: Sequence[Finding], ceiling: Ceiling | None) -> list[Cause]:
    found = [group.cause for group in groups if group.cause]
    if aborts:
        found.append(Cause(Family.AUTH, "unauthorized", Confidence.HIGH))
    if ceiling and ceiling.cause:
        found.append(ceiling.cause)
    # The same cause for another reason is not another cause.
    return list({(cause.family, cause.code): cause for cause in reversed(found)}.values())[::-1]


def _candidates(groups: Sequence[Group], ceiling: Ceiling | None) -> tuple[Candidate, ...]:
    found = [candidate for group in groups for candidate in group.entry.candidates]
    found += ceiling.candidates if ceiling else ()
    return tuple({candidate.code: candidate for candidate in reversed(found)}.values())[::-1]
