"""A user who was seen: drops, refusals and loops with their causes, and the last known state."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot import reasons
from bot.interpret import OPENING, coverage
from bot.interpret.said import count, during, lower, moment, short, some
from bot.interpret.user import stays as reading
from bot.interpret.user import words
from bot.interpret.user.stays import Stay
from bot.interpret.user.words import Seen
from bot.knowledge import Entry, Knowledge
from bot.model import (
    Candidate,
    Cause,
    Conclusion,
    Confidence,
    Evidence,
    Fact,
    Family,
    Finding,
    Row,
    Scope,
    Severity,
    Verdict,
)
from bot.times import span_text

# One or two drops of a user who came back are everyday.
EVERYDAY = 2


def conclude(seen: Seen, table: Knowledge, reasons_table: Knowledge) -> Conclusion:
    """The answer; `table` is user_findings, `reasons_table` abort_reasons."""
    causes, candidates, findings = _what_happened(seen, table, reasons_table)
    state = words.last_state(seen)
    if findings and causes:
        verdict, head = Verdict.FINDING, _headline(findings)
    elif findings:
        verdict, head = Verdict.UNDECIDED, _headline(findings)
    elif seen.missing:
        verdict, head = Verdict.UNDECIDED, f"Nothing unusual is logged, but {seen.missing}"
        findings = [table["state-unknown"].finding({"missing": seen.missing}, [words.connections(seen)])]
    else:
        all_of_them = count(len(seen.stays), "connection")
        verdict, head = Verdict.OK, f"Nothing unusual: {all_of_them}, none dropped"
        findings = [
            table["nothing-unusual"].finding(
                {"connections": count(len(seen.stays), "connection")}, [words.connections(seen)]
            )
        ]
    if len(seen.open) >= words.KEEPS_MANY:
        held = table["keeps-many-open"].finding({"open": f"{len(seen.open):,}"}, [words.connections(seen)])
        findings.append(held)
    return Conclusion(
        verdict=verdict,
        headline=f"{head}. {state}",
        cause=causes[0] if causes else None,
        further=tuple(causes[1:]),
        candidates=candidates,
        facts=words.facts(seen, state),
        findings=tuple(findings),
        timeline=words.timeline(seen),
        gaps=words.gaps(seen),
        next_steps=words.next_steps(seen),
        notes=words.notes(seen),
        provisional_until=coverage.provisional(seen.question),
    )


def _what_happened(
    seen: Seen, table: Knowledge, reasons_table: Knowledge
) -> tuple[list[Cause], tuple[Candidate, ...], list[Finding]]:
    causes: list[Cause] = []
    candidates: list[Candidate] = []
    findings: list[Finding] = []
    loop = reading.loop(seen.stays)
    if loop is not None:
        findings.append(_loop(seen, loop, table))
    dropped = [stay for stay in seen.stays if stay.entry is not None]
    order = Counter(stay.entry.code for stay in dropped if stay.entry)
    for code, number in order.most_common():
        mine = [stay for stay in dropped if stay.entry and stay.entry.code == code]
        entry = reasons_table[code]
        candidates += entry.candidates
        if entry.confidence is not None:
            causes.append(Cause(entry.cause, code, entry.confidence))
        findings.append(_drops(seen, entry, mine, everyday=number <= EVERYDAY and loop is None))
    for cause, finding in _refusals(seen, table, reasons_table):
        if cause.code not in order:
            causes.append(cause)
            findings.append(finding)
    decided = {cause.code for cause in causes}
    unique = {candidate.code: candidate for candidate in candidates if candidate.code not in decided}
    return causes, tuple(unique.values()), findings


def _drops(seen: Seen, entry: Entry, mine: Sequence[Stay], *, everyday: bool) -> Finding:
    last = mine[-1]
    ending = last.ending
    texts = {
        "reason": ending.reason.text if ending else "",
        "reported_error": (ending.reason.reported_error if ending else "") or "(no text)",
        "address": last.address,
        "hub": last.hub,
    }
    rows = tuple(
        (stay.ending.at, stay.connection_id, short(stay.ending.message, 160)) for stay in mine[-5:] if stay.ending
    )
    first = min(_ends(mine))
    evidence = Evidence(
        "The drops",
        f"{count(len(mine), 'connection')} of {len(seen.stays):,} ended this way.",
        ("Ended (UTC)", "Connection", "Message"),
        rows,
        len(mine),
        OPENING,
    )
    found = entry.finding(texts, [evidence])
    came_back = any(stay.opened_at and stay.opened_at >= max(_ends(mine)) for stay in seen.stays) or bool(seen.open)
    return replace(
        found,
        severity=Severity.INFO if everyday and came_back else found.severity,
        scope=Scope(len(mine), "connections", first, max(_ends(mine)), _shared(seen, mine)),
    )


def _ends(mine: Sequence[Stay]) -> list[datetime]:
    return [stay.ending.at for stay in mine if stay.ending]


def _shared(seen: Seen, mine: Sequence[Stay]) -> tuple[Fact, ...]:
    found = [Fact("user", seen.user)]
    for name, values in (("address", {stay.address for stay in mine}), ("hub", {stay.hub for stay in mine})):
        if len(values) == 1 and (value := values.pop()):
            found.append(Fact(name, value))
    return tuple(found)


def _loop(seen: Seen, loop: reading.Loop, table: Knowledge) -> Finding:
    mine = loop.stays
    often, number = Counter(words.how(stay) for stay in mine).most_common(1)[0]
    texts = {
        "count": f"{len(mine):,}",
        "longest": span_text(timedelta(seconds=round(loop.longest.total_seconds()))),
        "reason": short(often, 120),
        "number": f"{number:,}",
    }
    evidence = Evidence(
        "The loop",
        f"{count(len(mine), 'connection')} {during(mine[0].first, max(_ends(mine)))}, "
        f"none of which lived longer than {texts['longest']}.",
        step=OPENING,
    )
    found = table["reconnect-loop"].finding(texts, [evidence])
    return replace(found, scope=Scope(len(mine), "connections", mine[0].first, max(_ends(mine)), _shared(seen, mine)))


def _refusals(seen: Seen, table: Knowledge, reasons_table: Knowledge) -> list[tuple[Cause, Finding]]:
    of: dict[tuple[Family, str], list[Row]] = {}
    for row in seen.others:
        key = _refusal(row, reasons_table)
        of.setdefault(key, []).append(row)
    found = []
    for (family, code), rows in of.items():
        records = sum(row["records"] for row in rows)
        first, last = min(row["first_seen"] for row in rows), max(row["last_seen"] for row in rows)
        texts = {"records": count(records, "record"), "message": short(rows[0]["Message"], 160)}
        evidence = Evidence(
            "Refusals",
            f"{count(records, 'record')} {during(first, last)}.",
            ("Family", "Event", "Message", "Records", "First (UTC)", "Last (UTC)"),
            tuple(
                (row["Collection"], row["OperationName"], short(row["Message"], 160), row["records"],
                 row["first_seen"], row["last_seen"])
                for row in rows[:5]
            ),
            len(rows),
            "others",
        )  # fmt: skip
        finding = replace(
            table["turned-away"].finding(texts, [evidence], family),
            scope=Scope(records, "records", first, last, (Fact("user", seen.user),)),
        )
        confidence = Confidence.LOW if family is Family.UNKNOWN else Confidence.HIGH
        found.append((Cause(family, code, confidence), finding))
    return found


def _refusal(row: Row, reasons_table: Knowledge) -> tuple[Family, str]:
    reason = reasons.read(row["Message"])
    if row["Collection"].casefold() == "authorization":
        # The one documented text of this family. Source: logs guide, "Authorization failure".
        wrong = reason.key.startswith("failed to validate audience")
        return Family.AUTH, "wrong-audience" if wrong else "unauthorized"
    entry = reasons_table.explain(reason, "Client")
    return entry.cause, entry.code


def _headline(findings: Sequence[Finding]) -> str:
    first = findings[0]
    scope = first.scope
    size = f" ({count(scope.size, scope.unit[:-1])}, last at {moment(scope.last)})" if scope else ""
    more = f"; and {lower(some([each.title for each in findings[1:]], 2))}" if len(findings) > 1 else ""
    return f"{short(first.title, 100)}{size}{short(more, 160)}"
