"""From the legs of a message that were seen to who had it last; the reading rules of the logs guide."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from bot.interpret import Conclusion, Question, Tables, coverage
from bot.interpret.coverage import MESSAGE
from bot.interpret.paths import AppLine, Said, To
from bot.interpret.said import count, moment
from bot.interpret.trace import audience, words
from bot.interpret.trace.audience import There
from bot.interpret.trace.way import Way
from bot.knowledge import Knowledge
from bot.model import Cause, Confidence, Evidence, Family, Ruling, Scope, Verdict, Window

# Path 4 follows path 3, and path 2 path 1, within seconds; what may still be in flight is not lost.
IN_FLIGHT = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class _Answer:
    """The entry that fits, the verdict, and what its words need."""

    code: str
    verdict: Verdict
    headline: str
    cause: Cause | None = None
    proof: tuple[Evidence, ...] = ()
    why: str = ""


def conclude(question: Question, way: Way, lines: Sequence[AppLine], tables: Tables, table: Knowledge) -> Conclusion:
    """The answer about a message of which at least one record or line is known."""
    answer = _up(question, way, lines, tables) if words.is_upward(way) else _down(question, way, tables)
    entry = table[answer.code]
    picture = words.picture(way, bool(lines))
    proof = [words.legs_evidence(way)]
    for each in (words.receivers_evidence(way, tables), words.warning_evidence(way) if way.warnings else None):
        proof += [each] if each else []
    proof += [words.app_evidence(way)] if way.lines else []
    moments = [leg.first for leg in way.legs.values()] + [line.at for line in way.lines if line.at]
    last = [leg.last for leg in way.legs.values()] or moments
    found = entry.finding(
        {"why": answer.why, "group": way.group or "(not named)", "kind": way.kind or "message"},
        (*proof, *answer.proof),
    )
    if moments:
        found = replace(found, scope=Scope(1, "messages", min(moments), max([*moments, *last])))
    return Conclusion(
        verdict=answer.verdict,
        headline=answer.headline,
        cause=answer.cause,
        candidates=entry.candidates,
        facts=words.facts(way),
        findings=(found,),
        rulings=_rulings(question, way, tables),
        timeline=picture,
        gaps=words.gaps(question, way, tables),
        next_steps=words.next_steps(question, way, tables),
        provisional_until=coverage.provisional(question, max(last) if last else None),
    )


def _up(question: Question, way: Way, lines: Sequence[AppLine], tables: Tables) -> _Answer:
    """A client's message: paths 1 and 2, and the app server's line that it arrived."""
    if way.said(Said.RECEIVED):
        return _Answer("received-by-server", Verdict.OK, "It arrived: the app server logged that it received it.")
    if 2 in way.legs:
        at = way.legs[2].first
        received = [line for line in lines if line.said is Said.RECEIVED]
        if received and words.covered(received, at):
            return _Answer(
                "lost-to-server",
                Verdict.FINDING,
                f"Lost between service and app server: sent on at {moment(at)}, and the app server's log, which has "
                "such messages before and after, has no line of it.",
                Cause(Family.NET, "lost-to-server", Confidence.MEDIUM),
                why=f"It has {count(len(received), 'other message')} of clients.",
            )
        said = "The attached log does not cover that moment." if lines else words.unread(tables)
        return _Answer(
            "passed-to-server",
            Verdict.OK,
            f"Not lost in the service: it was sent on to the app server at {moment(at)}.",
            why=said,
        )
    at = way.legs[1].first
    if lack := _unsettled(question, at):
        return _Answer("log-incomplete", Verdict.UNDECIDED, f"Can't be decided: {lack}.", why=lack)
    return _Answer(
        "lost-before-server",
        Verdict.FINDING,
        f"Lost in the service: received from its client at {moment(at)}, never sent to an app server.",
        Cause(Family.SERVICE, "lost-in-service", Confidence.MEDIUM),
    )


def _down(question: Question, way: Way, tables: Tables) -> _Answer:
    """An app server's message: its own lines, path 3, and path 4 for each receiver."""
    if 4 in way.legs:
        return _delivered(question, way, tables)
    if 3 in way.legs:
        return _undelivered(question, way, way.legs[3].first, tables)
    if way.warnings:
        return _Answer(
            "service-warned",
            Verdict.FINDING,
            "The service warned about this message, and logged none of its paths.",
            Cause(Family.SERVICE, "lost-in-service", Confidence.LOW),
        )
    if way.legs:
        why = "its records say nothing about a path"
        return _Answer("log-incomplete", Verdict.UNDECIDED, f"Can't be decided: {why}.", why=why)
    return _only_app(question, way)


def _delivered(question: Question, way: Way, tables: Tables) -> _Answer:
    leg = way.legs[4]
    whom = count(leg.connections, "client connection")
    if way.warnings:
        return _Answer(
            "warned-yet-delivered",
            Verdict.UNDECIDED,
            f"Delivered to {whom} at {moment(leg.first)}, yet the service warned about it: for some it may be lost.",
        )
    if missed := audience.passed_by(question, way, tables):
        return _Answer(
            "delivered-to-some",
            Verdict.UNDECIDED,
            f"Written to {whom} at {moment(leg.first)}, and not to {count(missed.total, 'member')} of the group: left "
            "out, or lost.",
            proof=(missed,),
            why=missed.statement,
        )
    return _Answer(
        "delivered",
        Verdict.OK,
        f"Not lost in the service: written to {whom} at {moment(leg.first)}. Who did not see it has to look on the "
        "client's side.",
    )


def _undelivered(question: Question, way: Way, at: datetime, tables: Tables) -> _Answer:
    took = f"the service took it at {moment(at)}"
    if way.to is To.CHANGE:
        return _Answer(
            "group-change",
            Verdict.OK,
            f"Not lost: {took}. It changes a group, so no client receives it.",
        )
    if way.warnings:
        return _Answer(
            "service-warned",
            Verdict.FINDING,
            f"Lost in the service: {took}, warned about it, and wrote it to no client.",
            Cause(Family.SERVICE, "lost-in-service", Confidence.MEDIUM),
        )
    if lack := _unsettled(question, at):
        return _Answer("log-incomplete", Verdict.UNDECIDED, f"Can't be decided: {took}, but {lack}.", why=lack)
    who = audience.read(question, way, at, tables)
    match who.there:
        case There.PRESENT:
            # With Others and OthersInGroup the app leaves the sender out: a sole member may be just that one.
            alone = who.number == 1 and way.to in (To.GROUP, To.ALL) and way.excluding is not False
            code = "lost-in-service-maybe" if alone else "lost-in-service"
            sure = Confidence.LOW if alone else Confidence.MEDIUM
            headline = (
                f"{'Probably l' if alone else 'L'}ost in the service: {took} and wrote it to no client. {who.why}"
            )
            cause = Cause(Family.SERVICE, "lost-in-service", sure)
            return _Answer(code, Verdict.FINDING, headline, cause, who.evidence, who.why)
        case There.ABSENT:
            return _Answer(
                "no-receiver",
                Verdict.OK,
                f"Not lost: {took}, and there was nobody to get it. {who.why}",
                proof=who.evidence,
                why=who.why,
            )
        case _:
            return _Answer(
                "receiver-unknown",
                Verdict.UNDECIDED,
                f"Can't be decided: {took} and wrote it to no client. {who.why}",
                proof=who.evidence,
                why=who.why,
            )


def _only_app(question: Question, way: Way) -> _Answer:
    """Nothing but the app server's lines: the service never had it, as far as its log is complete."""
    failed = way.said(Said.FAILED) or way.said(Said.OFFLINE)
    if failed:
        return _Answer(
            "send-failed",
            Verdict.FINDING,
            "Never left the app server: its own log says that sending failed.",
            Cause(Family.APP, "send-failed", Confidence.HIGH),
        )
    at = next((line.at for line in reversed(way.lines) if line.at), None)
    sent = way.said(Said.SUCCEEDED)
    if at is None:
        lack = "the attached lines have no time with a zone"
    elif not question.command.window.start <= at <= question.command.window.end:
        lack = f"the app server's line is of {moment(at)}, outside the window"
    elif not sent and any(line.sampled for line in way.lines):
        lack = "AppTraces holds only a sample of the app server's lines"
    else:
        lack = _unsettled(question, at)
    if lack:
        return _Answer("log-incomplete", Verdict.UNDECIDED, f"Can't be decided: {lack}.", why=lack)
    if sent:
        return _Answer(
            "lost-to-service",
            Verdict.FINDING,
            f"Lost between app server and service: written out at {moment(at) if at else 'an unknown time'}, "
            "never received by the service.",
            Cause(Family.NET, "lost-to-service", Confidence.MEDIUM),
        )
    return _Answer(
        "send-unfinished",
        Verdict.UNDECIDED,
        "It probably never left the app server: a start is logged, no success, and the service never had it.",
    )


def _unsettled(question: Question, at: datetime) -> str:
    """Why a next step that is missing after `at` proves nothing; "" when it does."""
    window = question.command.window
    if window.end - at < IN_FLIGHT:
        return "the window ends within seconds of it"
    if question.now - at < coverage.LATE:
        return "its further records may not have arrived yet"
    return coverage.missing(question, MESSAGE, Window(at, min(at + timedelta(minutes=1), window.end)))


def _rulings(question: Question, way: Way, tables: Tables) -> tuple[Ruling, ...]:
    """What the legs that were seen exclude; each rests on a record, so its moment is all that must be covered."""
    found = []
    if 3 in way.legs or 4 in way.legs:
        at = way.legs[min(way.legs.keys() & {3, 4})].first
        why = f"The service had it at {moment(at)}."
        found.append(coverage.ruling(question, Family.NET, "lost-to-service", why, (MESSAGE,), _at(at)))
    if 4 in way.legs and not way.warnings and not audience.passed_by(question, way, tables):
        why = f"It was written to {count(way.legs[4].connections, 'client connection')}."
        at = way.legs[4].first
        found.append(coverage.ruling(question, Family.SERVICE, "lost-in-service", why, (MESSAGE,), _at(at)))
    if 2 in way.legs:
        at = way.legs[2].first
        why = f"It was sent on to the app server at {moment(at)}."
        found.append(coverage.ruling(question, Family.SERVICE, "lost-in-service", why, (MESSAGE,), _at(at)))
    return tuple(found)


def _at(moment_seen: datetime) -> Window:
    return Window(moment_seen, moment_seen + timedelta(microseconds=1))
