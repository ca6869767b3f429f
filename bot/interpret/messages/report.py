"""The answer in words: verdict, findings with their scope, chart, what can't be told."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import Conclusion, Question, Tables, coverage, onward, paths
from bot.interpret.coverage import LOGS, MESSAGE
from bot.interpret.messages.tally import Tally, Undelivered
from bot.interpret.said import count, during, moment, percent, some
from bot.knowledge import Knowledge
from bot.model import (
    Candidate,
    Cause,
    Chart,
    Confidence,
    Evidence,
    Fact,
    Family,
    Finding,
    Gap,
    NextStep,
    Row,
    Ruling,
    Scope,
    Series,
    Verdict,
)

_SHOWN = 10
_MOST_POINTS = 20
_IN_SERVICE, _TO_SERVICE = (Family.SERVICE, "lost-in-service"), (Family.NET, "lost-to-service")
_SERVICE = Cause(*_IN_SERVICE, Confidence.MEDIUM)


def unlogged(question: Question, table: Knowledge) -> Conclusion:
    """No data: no message was logged in the window."""
    gap = coverage.gap(question, MESSAGE, "Any message")
    proof = Evidence("What was logged", f"{coverage.held(question)} in the window.", step="coverage")
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="Can't be told: no Message record was logged in the window.",
        findings=(table["no-messages-logged"].finding({}, (proof,)),),
        gaps=(gap,) if gap else (),
        rulings=coverage.unknown(question, MESSAGE, _IN_SERVICE, _TO_SERVICE),
        next_steps=(onward.step("Check what is logged", question, "logs"),),
        provisional_until=coverage.provisional(question),
    )


def nothing(question: Question, table: Knowledge) -> Conclusion:
    """Undecided: messages are logged, none of what was asked about."""
    asked = [f"{name} {value}" for name, value in question.command.arguments.items() if value]
    held = coverage.family(question, MESSAGE)
    proof = Evidence("What was logged", f"{count(held.rows if held else 0, 'Message record')} in the window.")
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline=f"Can't be told: no message of {' and '.join(asked) or 'any kind'} was logged in the window.",
        findings=(table["none-of-these"].finding({"asked": " and ".join(asked) or "that kind"}, (proof,)),),
        next_steps=(onward.step("Look at all messages", question, "messages"),),
        provisional_until=coverage.provisional(question),
    )


def conclude(question: Question, counted: Tally, tables: Tables, table: Knowledge, slot: timedelta) -> Conclusion:
    """The answer from the counts; `slot` is the time of one point of the chart."""
    findings = _findings(counted, table)
    lack = coverage.incomplete(question, coverage.MESSAGE)
    lost = counted.is_lost_in_service or counted.are_calls_lost
    candidates: tuple[Candidate, ...] = ()
    if lost:
        verdict = Verdict.FINDING
    elif counted.is_lost_before_service:
        verdict, candidates = Verdict.UNDECIDED, table["numbers-missing"].candidates
    elif (
        lack
        or counted.never_delivered
        or counted.hub_unknown
        or not (counted.delivered + counted.calls + len(counted.empty))
    ):
        verdict, candidates = Verdict.UNDECIDED, table["nothing-to-compare"].candidates
        findings.append(_can_not_compare(counted, table, lack))
    else:
        verdict = Verdict.OK
        findings.append(table["nothing-lost"].finding({}, (_base(counted),)))
    return Conclusion(
        verdict=verdict,
        headline=_headline(counted, verdict, lack),
        cause=_SERVICE if lost else None,
        candidates=candidates,
        facts=_facts(counted),
        findings=tuple(findings),
        rulings=_rulings(question, counted),
        chart=_chart(question, tables, slot),
        gaps=_gaps(question, counted),
        next_steps=(*(paths.where_logged(question) if lack else ()), *_next_steps(question, counted)),
        notes=_notes(counted),
        provisional_until=coverage.provisional(question),
    )


def _findings(counted: Tally, table: Knowledge) -> list[Finding]:
    found = []
    if counted.is_lost_in_service:
        mine: Sequence[Undelivered] = counted.all_lost
        words = {
            "lost": count(len(mine), "message"),
            "sure": f"{len(counted.lost):,}",
            "share": percent(len(mine), max(counted.received, 1)),
            "base": f"{counted.received:,}",
        }
        found.append(_with(table["lost-in-service"].finding(words, (_list(mine), _base(counted))), mine))
    if counted.are_calls_lost:
        mine = counted.calls_lost
        words = {
            "lost": count(counted.calls_lost_count, "message"),
            "share": percent(counted.calls_lost_count, max(counted.calls, 1)),
            "base": f"{counted.calls:,}",
        }
        found.append(_with(table["calls-lost"].finding(words, (_list(mine), _base(counted))), mine))
    if counted.is_lost_before_service:
        numbers = counted.numbers
        words = {
            "missing": count(len(numbers.missing), "number"),
            "share": percent(len(numbers.missing), max(numbers.base, 1)),
            "base": f"{numbers.base:,}",
            "luck": _expected(counted.numbers_by_luck),
        }
        proof = Evidence(
            "Missing numbers",
            f"{count(len(numbers.missing), 'id')} between logged ones of "
            f"{count(numbers.processes, 'process', 'processes')} (inferred from the counter in the id).",
            ("Tracing id", "Neighbours from (UTC)", "Neighbours to (UTC)"),
            tuple((str(each.trace), each.first, each.last) for each in numbers.missing[:_SHOWN]),
            len(numbers.missing),
            "counters",
        )
        finding = table["numbers-missing"].finding(words, (proof,))
        scope = Scope(
            len(numbers.missing),
            "messages",
            min(each.first for each in numbers.missing),
            max(each.last for each in numbers.missing),
        )
        found.append(_scoped(finding, scope))
    return found


def _expected(expected: float) -> str:
    """An expected number for people: "0", "under 1", "12"."""
    return "0" if expected == 0 else "under 1" if expected < 1 else f"{expected:,.0f}"


def _scoped(finding: Finding, scope: Scope) -> Finding:
    return replace(finding, scope=scope)


def _with(finding: Finding, mine: Sequence[Undelivered]) -> Finding:
    if not mine:
        return finding
    shared = []
    for label, values in (
        ("hub", [each.hub for each in mine]),
        ("group", [each.group for each in mine]),
        ("type", [each.kind for each in mine]),
    ):
        ((value, times),) = Counter(values).most_common(1)
        if value and times >= 0.8 * len(mine):
            shared.append(Fact(label, value))
    scope = Scope(len(mine), "messages", min(e.at for e in mine), max(e.at for e in mine), tuple(shared))
    return _scoped(finding, scope)


def _list(mine: Sequence[Undelivered]) -> Evidence:
    return Evidence(
        "Messages that went no further",
        f"{count(len(mine), 'message')}, the first from {moment(mine[0].at)}." if mine else "None is listed.",
        ("When (UTC)", "Tracing id", "Type", "Group", "Hub", "Known receivers", "Warned"),
        tuple(
            (e.at, e.trace, e.kind, e.group, e.hub, e.members or "", "yes" if e.warned else "") for e in mine[:_SHOWN]
        ),
        len(mine),
        "opening",
    )


def _base(counted: Tally) -> Evidence:
    return Evidence(
        "What was counted",
        f"{counted.received:,} data messages of app servers reached the service, {counted.delivered:,} of them went to "
        f"{count(counted.deliveries, 'receiver')} in all. Of the others {len(counted.lost):,} had receivers, "
        f"{len(counted.maybe):,} had one whom the app may have left out, {len(counted.empty):,} went to groups of "
        f"which nobody got anything, and of {len(counted.unknown):,} the receiver is not logged. {counted.calls:,} "
        f"messages of clients were logged, {counted.calls_lost_count:,} of them not passed on.",
        step="opening",
    )


def _can_not_compare(counted: Tally, table: Knowledge, lack: str) -> Finding:
    if lack:
        why = f"{lack[:1].upper()}{lack[1:]}."
    elif counted.never_delivered:
        kinds = some([f"{number:,} of type {kind or '(none)'}" for kind, number in counted.never_delivered.items()])
        why = f"Not one of {kinds} was passed on, and the records do not name the receivers."
    elif counted.hub_unknown:
        number = count(counted.hub_unknown, "message")
        why = f"{number} to everybody on a hub went to nobody, and no record names the hub."
    else:
        why = "No message that had a receiver was logged."
    return table["nothing-to-compare"].finding({"why": why}, (_base(counted),))


def _headline(counted: Tally, verdict: Verdict, lack: str) -> str:
    if verdict is Verdict.FINDING:
        parts = []
        if counted.is_lost_in_service:
            mine = counted.all_lost
            first, last = mine[0].at, mine[-1].at
            parts.append(
                f"{count(len(mine), 'message')} of {counted.received:,} reached the service and "
                f"{'was' if len(mine) == 1 else 'were'} passed on to nobody though there were receivers, "
                f"{during(first, last)}"
            )
        if counted.are_calls_lost:
            parts.append(
                f"{counted.calls_lost_count:,} of {count(counted.calls, 'client message')} were not sent on to the app"
            )
        return f"Lost in the service: {'; '.join(parts)}."
    if counted.is_lost_before_service:
        return (
            f"Can't be decided: {count(len(counted.numbers.missing), 'number')} between the {counted.numbers.base:,} "
            "of the app servers' messages were never logged; those may not have reached the service (inferred)."
        )
    if verdict is Verdict.OK:
        what = f"{counted.received:,} messages of app servers"
        calls = f" and {counted.calls:,} of clients" if counted.calls else ""
        unknown = len(counted.unknown) + len(counted.maybe)
        rest = f"; of {unknown:,} the receiver is not known" if unknown else ""
        return f"No loss in the service: of {what}{calls}, none with a known receiver went missing{rest}."
    if lack:
        return f"Can't be decided: nothing lost is logged, but {lack}."
    return "Can't be decided: nothing shows whether the messages that went to nobody had a receiver."


def _facts(counted: Tally) -> tuple[Fact, ...]:
    undelivered = counted.received - counted.delivered
    found = [
        Fact(
            "From app servers",
            f"{counted.received:,}, and {count(counted.changes, 'join or leave', 'joins or leaves')}",
        ),
        Fact("Passed on", f"{counted.delivered:,} to {count(counted.deliveries, 'receiver')}"),
        Fact("Went to nobody", f"{undelivered:,} ({percent(undelivered, max(counted.received, 1))})"),
        Fact("Had two receivers or more", f"{len(counted.lost):,}"),
        Fact("Had one known receiver", f"{len(counted.maybe):,}"),
        Fact("From clients", f"{counted.calls:,}" if counted.calls else "none logged (only of diagnostic clients)"),
    ]
    if counted.record_loss:
        found.append(Fact("Records missing", f"about {percent(counted.record_loss)} of the log"))
    return tuple(found)


def _rulings(question: Question, counted: Tally) -> tuple[Ruling, ...]:
    found = []
    unclear = counted.is_lost_in_service or counted.are_calls_lost or counted.never_delivered or counted.hub_unknown
    if counted.delivered and not unclear:
        why = f"{counted.delivered:,} messages were passed on, and none with a known receiver was not."
        found.append(coverage.ruling(question, *_IN_SERVICE, why, (MESSAGE,)))
    if not counted.is_lost_before_service and counted.numbers.base and not counted.numbers.sparse:
        why = f"The {counted.numbers.base:,} numbers of the app servers' messages are complete (inferred)."
        if counted.numbers.missing:
            why = "No more numbers are missing than records are missing from the log (inferred)."
        found.append(coverage.ruling(question, *_TO_SERVICE, why, (MESSAGE,)))
    return tuple(found)


def _chart(question: Question, tables: Tables, slot: timedelta) -> Chart | None:
    rows: Sequence[Row] = tables["slots"].rows if "slots" in tables else ()
    asked = question.command.arguments
    # A record of a delivery names no group, one of a receipt no user: a chart of those would mislead.
    if len(rows) < 2 or asked["group"] or asked["user"]:
        return None
    of = {row["slot"]: row for row in rows}
    start = question.command.window.start
    numbers = range(min(max(of) + 1, _MOST_POINTS))
    form = "%H:%M" if question.command.window.span <= timedelta(days=1) else "%m-%d %H:%M"
    return Chart(
        "Message records",
        f"records each {int(slot.total_seconds())} s",
        tuple((start + number * slot).strftime(form) for number in numbers),
        tuple(
            Series(name, tuple(float(of[number][name] if number in of else 0) for number in numbers))
            for name in ("received", "sent")
        ),
    )


def _gaps(question: Question, counted: Tally) -> tuple[Gap, ...]:
    found = [gap] if (gap := coverage.gap(question, MESSAGE, "Messages in that time")) else []
    if not counted.calls:
        found.append(
            Gap(
                "Messages from clients to the app",
                "None is logged: collecting all messages never covers them, only diagnostic clients do.",
                "Mark a client as a diagnostic client in the app server's options.",
                LOGS,
            )
        )
    else:
        found.append(
            Gap(
                "Whether all messages are logged",
                "Diagnostic clients are in use; whether messaging logs collect all besides, no record says.",
                "Log Source Settings of the resource: MessagingLogs.",
                LOGS,
            )
        )
    if counted.unknown:
        found.append(
            Gap(
                f"Who was to get {count(len(counted.unknown), 'message')}",
                "Their records name no group or user, or nobody is known to have been in the group at that moment.",
                "The app server's log (category Microsoft.Azure.SignalR, level Information).",
            )
        )
    found.append(
        Gap(
            "What happens beyond the service",
            "Before path 3 and after path 4 no resource log sees a message.",
            "The app server's log and the client's.",
        )
    )
    return tuple(found)


def _next_steps(question: Question, counted: Tally) -> tuple[NextStep, ...]:
    found = []
    shown = [*counted.lost, *counted.calls_lost] if counted.lost or counted.calls_lost else []
    found += [onward.step("Trace a lost message", question, "trace", each.trace) for each in shown[:1]]
    if counted.is_lost_before_service:
        found.append(onward.step("Trace a missing number", question, "trace", str(counted.numbers.missing[0].trace)))
        found.append(onward.step("Check the app servers", question, "servers"))
    found.append(onward.step("Check for late joins", question, "group-race"))
    return tuple(found)


def _notes(counted: Tally) -> tuple[str, ...]:
    found = []
    if counted.numbers.sparse:
        found.append(
            f"The numbers of {count(counted.numbers.sparse, 'app server process', 'app server processes')} are too few "
            "or too sparse to tell whether messages are missing between them."
        )
    return tuple(found)
