"""From counts to a verdict: which of leak, demand and limit the rows carry, and when they carry none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.interpret import coverage
from bot.interpret.coverage import CONNECTION
from bot.interpret.growth import leak, proof
from bot.interpret.growth.leak import Kind, Leak
from bot.interpret.growth.seen import LEAST_RISE, LIMIT, Rise, Seen, Shape, rise
from bot.interpret.said import count, lower, moment, percent, short
from bot.knowledge import Knowledge
from bot.model import Candidate, Cause, Confidence, Family, Finding, Verdict

# Two tabs and one reconnect: up to so many connections a user, on average, are more users rather than more per user.
PER_USER = 3
# An address with so large a share of what stays open may be an office or a leak; user ids would tell.
ONE_PLACE = 0.3
CLIENT_LEAK, SERVER_LEAK, DEMAND = "client-connection-leak", "server-connection-leak", "demand"


@dataclass(frozen=True, slots=True)
class Decision:
    """What the rows decide."""

    verdict: Verdict
    headline: str
    cause: Cause | None = None
    further: tuple[Cause, ...] = ()
    candidates: tuple[Candidate, ...] = ()
    findings: tuple[Finding, ...] = ()


def decide(seen: Seen, table: Knowledge) -> Decision:
    """The verdict, its headline and findings; `table` is queries/knowledge/growth_findings.toml."""
    leaks = seen.suspects.leaks
    found = [proof.client_leak(seen, each, table) for each in leaks]
    causes = []
    if leaks:
        causes.append(Cause(Family.LEAK, CLIENT_LEAK, max((each.confidence for each in leaks), key=_firmness)))
    if seen.server_leak:
        found.append(proof.server_leak(seen, table))
        causes.append(Cause(Family.LEAK, SERVER_LEAK, Confidence.MEDIUM))
    if seen.limit:
        found.append(proof.limit(seen, seen.limit, table))
        causes.append(Cause(Family.QUOTA, LIMIT, Confidence.HIGH))
    if not causes:
        quiet = _without_alarm(seen, table)
        return replace(quiet, findings=(*quiet.findings, *proof.side_findings(seen, table)))
    # Connections whose end is missing look like more users.
    demand = None if seen.missing else _demand(seen, table, leaked=sum(each.open for each in leaks))
    if demand is not None:
        found.append(demand)
        # Why the number grew is the question; the limit is only what it ran into.
        causes.insert(len(causes) - (seen.limit is not None), Cause(Family.CLIENT, DEMAND, Confidence.MEDIUM))
    return Decision(
        Verdict.FINDING,
        _headline(seen, leaks) + (f" Behind it: {lower(demand.title)}." if demand and not leaks else ""),
        causes[0],
        tuple(causes[1:]),
        _open_candidates(leaks),
        (*found, *proof.side_findings(seen, table)),
    )


def _firmness(confidence: Confidence) -> int:
    return (Confidence.LOW, Confidence.MEDIUM, Confidence.HIGH).index(confidence)


def _headline(seen: Seen, leaks: Sequence[Leak]) -> str:
    parts = []
    if leaks:
        worst = leaks[0]
        what = proof.holder(worst)
        net = seen.clients.change[-1]
        of = f" (the count of clients changed by {net:+,})" if worst.kind is not Kind.EVERYONE else ""
        parts.append(f"A leak: {what} opened {count(worst.open, 'connection')} that never closed{of}")
        if len(leaks) > 1:
            parts.append(f"{count(len(leaks) - 1, 'other')} did the same")
    if seen.server_leak:
        worst_server = seen.server_leak[0]
        net = sum(opener.net for opener in seen.server_leak)
        where = f"of {short(worst_server.address, 60) or 'an unnamed address'}"
        where += f" and {len(seen.server_leak) - 1} more" if len(seen.server_leak) > 1 else ""
        parts.append(f"A leak of server connections: {net:,} {where} were opened one by one and kept")
    if seen.limit:
        parts.append(
            f"The connection limit was reached at {moment(seen.limit.first)}: "
            f"at least {count(seen.limit.refused, 'connection')} refused or closed"
        )
    return ". ".join(parts) + "."


def _demand(seen: Seen, table: Knowledge, leaked: int) -> Finding | None:
    """More users beside an alarm: the rest of the rise, when it is the larger part and spread over users."""
    course = rise(seen.clients)
    rest = course.size - leaked
    if course.shape is Shape.LEVEL or rest < LEAST_RISE or rest < leaked:
        return None
    if course.shape is Shape.ROSE_AND_FELL:
        return proof.busy_hour(seen, course, table)
    return proof.more_users(seen, course.stays, table) if _is_spread(seen, leaked) else None


def _is_spread(seen: Seen, leaked: int = 0) -> bool:
    named = seen.left - seen.unnamed - leaked
    return named >= seen.unnamed and named <= PER_USER * seen.users


def _open_candidates(leaks: Sequence[Leak]) -> tuple[Candidate, ...]:
    if any(each.confidence is not Confidence.LOW for each in leaks) or not leaks:
        return ()
    return (proof.DEMAND_CANDIDATE,)


def _without_alarm(seen: Seen, table: Knowledge) -> Decision:
    question, clients = seen.question, seen.clients
    course = rise(clients)
    if coverage.family(question, CONNECTION) is None:
        found = table["no-connection-log"].finding({"held": coverage.held(question)}, [proof.held(question)])
        text = f"Can't be told: no Connection record was logged, only {coverage.held(question)}."
        return Decision(Verdict.NO_DATA, text, findings=(found,))
    if seen.missing:
        words = {"missing": seen.missing}
        found = table["growth-undecided"].finding(words, [proof.held(question), *proof.flow(seen)])
        text = f"Can't be decided: {seen.missing}. {proof.change(seen)}"
        return Decision(Verdict.UNDECIDED, text, candidates=proof.BOTH, findings=(found,))
    if not seen.ends_logged and seen.left >= leak.MANY:
        words = {"opened": count(sum(clients.opened), "client connection")}
        found = table["ends-not-logged"].finding(words, proof.flow(seen))
        text = f"Can't be decided: {words['opened']} opened and not one close was logged."
        return Decision(Verdict.UNDECIDED, text, candidates=proof.BOTH, findings=(found,))
    # What others closed meanwhile was no growth: people come and go, and long lives look like a leak in any window.
    doubts = [each for each in seen.suspects.doubts if course.stays * 2 >= each.open]
    if doubts:
        found = proof.doubt(seen, doubts, table)
        held = count(doubts[0].open, "connection")
        text = f"Can't be decided: {proof.holder(doubts[0])} holds {held} that never closed."
        return Decision(Verdict.UNDECIDED, text, candidates=proof.BOTH, findings=(found,))
    match course.shape:
        case Shape.LEVEL:
            found = table["not-growing"].finding({"change": proof.change(seen)}, proof.flow(seen))
            return Decision(Verdict.OK, f"Not growing: {lower(proof.change(seen))}", findings=(found,))
        case Shape.ROSE_AND_FELL:
            cause = Cause(Family.CLIENT, DEMAND, Confidence.MEDIUM)
            top = moment(proof.step_end(question.command.window, course.top))
            text = f"A busy time: {course.size:,} more by {top}, and they closed again; nothing leaks."
            return Decision(Verdict.OK, text, cause, findings=(proof.busy_hour(seen, course, table),))
        case Shape.ROSE:
            return _rose(seen, course, table)


def _rose(seen: Seen, course: Rise, table: Knowledge) -> Decision:
    most = next((each for each in seen.holders if each.what == "address" and each.who), None)
    if _is_spread(seen):
        per = (seen.left - seen.unnamed) / max(seen.users, 1)
        text = (
            f"More users, no leak: {course.stays:,} more open; {count(seen.users, 'user')} hold "
            f"{seen.left - seen.unnamed:,} of the new connections, {per:.1f} each."
        )
        cause = Cause(Family.CLIENT, DEMAND, Confidence.MEDIUM)
        return Decision(Verdict.OK, text, cause, findings=(proof.more_users(seen, course.stays, table),))
    if seen.unnamed > seen.left / 2 and (most is None or most.open < ONE_PLACE * seen.left):
        largest = max(
            (each.open if each.who else each.each for each in seen.holders if each.what == "address"), default=0
        )
        share = percent(largest, seen.left)
        text = f"Probably more users: {course.stays:,} more open, from many addresses (of one address {share} at most)."
        cause = Cause(Family.CLIENT, DEMAND, Confidence.LOW)
        found = table["more-addresses"].finding({"share": share}, [*proof.flow(seen), *proof.holders(seen, "address")])
        return Decision(Verdict.OK, text, cause, findings=(found,))
    one = next((each for each in seen.holders if each.what == "user" and each.who), None)
    if one is not None and one.open >= seen.left / 2:
        who = short(one.who, proof.ID)
        found = proof.held_by_one(seen, one, table)
        text = f"Can't be decided: user {who} opened {count(one.open, 'connection')} almost at once and keeps them."
        return Decision(Verdict.UNDECIDED, text, candidates=proof.BOTH, findings=(found,))
    found = table["growth-unclear"].finding(
        {"size": f"{course.stays:,}", "unnamed": f"{seen.unnamed:,}", "left": f"{seen.left:,}"},
        [*proof.flow(seen), *proof.holders(seen, "user"), *proof.holders(seen, "address")],
    )
    text = f"Can't be decided: {course.stays:,} more open, and neither users nor addresses tell leak and demand apart."
    return Decision(Verdict.UNDECIDED, text, candidates=proof.BOTH, findings=(found,))
