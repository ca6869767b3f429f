"""What was weighed, as the words of a report."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from itertools import islice

from bot import times
from bot.explain.lines import Record, flat
from bot.explain.matching import Match, is_real
from bot.explain.templates import Role
from bot.explain.weighing import Group, Weighed, moment
from bot.interpret import Conclusion
from bot.model import Candidate, Confidence, Evidence, Fact, Family, Finding, Gap, NextStep, Severity, Verdict
from bot.words import quote

_SHOWN, _ROWS, _OTHERS, _ID_MOST = 300, 20, 6, 200
_IDS = {
    "connection": "Connection id",
    "server": "Server connection id",
    "tracing": "Tracing id",
    "user": "User id",
    "hub": "Hub",
    "group": "Group",
    "endpoint": "Endpoint",
    "address": "Address",
    "expected": "Expected audience",
    "actual": "Actual audience",
}
_ROLES = {
    Role.CAUSE: "it states a cause",
    Role.SYMPTOM: "a symptom: the text alone does not state the cause",
    Role.CONSEQUENCE: "only a consequence of something else",
    Role.NORMAL: "an ordinary line, no trouble",
}
_LABELS = {
    "why-dropped": "Ask why it dropped",
    "trace": "Trace the message",
    "servers": "Look at the app servers",
    "auth": "Look at the 401s",
    "drops": "Look at the drops",
    "throttling": "Look at the throttling",
    "growth": "Look at the growth",
    "logs": "See what the logs hold",
    "clients": "Look at the clients",
    "messages": "Look for lost messages",
    "requests": "Look at the HTTP requests",
}
_HOLE = re.compile(r"\{(\w+)\}")
_TEXT_ALONE = "This rests on the pasted text alone; no logs were asked."


def known(weighed: Weighed, root: Group, lines: int, unknown: Sequence[Record]) -> Conclusion:
    """The answer about lines of which at least one was recognised; `lines` is how many there were."""
    verdict = Verdict.FINDING if weighed.cause else Verdict.OK
    if weighed.candidates and not weighed.cause:
        verdict = Verdict.UNDECIDED
    first = root.matches[0]
    told = [group for group in weighed.groups if group is not root and group.entry.role is not Role.NORMAL]
    notes = [_TEXT_ALONE]
    if weighed.reason:
        notes.append(weighed.reason)
    if unknown:
        fit = "line fits" if len(unknown) == 1 else "lines fit"
        notes.append(f"{len(unknown):,} {fit} no text that is known here, and took no part in this.")
    return Conclusion(
        verdict=verdict,
        headline=_headline(root, weighed, verdict),
        cause=weighed.cause,
        candidates=weighed.candidates,
        facts=(*_facts(root, first), *_counts(lines, unknown)),
        findings=(_finding(root, weighed), *(_other(group) for group in islice(told, _OTHERS))),
        gaps=_gaps(root, weighed, verdict),
        next_steps=_next(root, weighed.groups),
        notes=tuple(notes),
    )


def unknown(records: Sequence[Record]) -> Conclusion:
    """The answer about text of which nothing was recognised."""
    finding = Finding(
        code="unknown-text",
        cause=Family.UNKNOWN,
        severity=Severity.INFO,
        title="This text is not known here",
        meaning="It fits no text that Azure SignalR Service, its SDKs, clients or REST interface are known to write.",
        fixes=(
            "Paste the whole line as it was logged, and the lines just before it.",
            "If it is an exception, paste its message and the inner exceptions.",
        ),
        evidence=(_evidence([record.message for record in records]),),
    )
    candidate = Candidate(
        Family.UNKNOWN,
        "unknown-text",
        "The words fit no known text, and a guess would help nobody.",
        "The lines around it, or which program wrote it.",
    )
    return Conclusion(
        verdict=Verdict.UNDECIDED,
        headline="I do not know this text, so I cannot say what it means.",
        candidates=(candidate,),
        findings=(finding,),
        next_steps=(_step("drops"),),
        notes=(_TEXT_ALONE,),
    )


def _headline(root: Group, weighed: Weighed, verdict: Verdict) -> str:
    times_said = f" ({root.count:,} lines)" if root.count > 1 else ""
    text = f"{root.entry.title}{times_said}"
    if not weighed.is_tied:
        return f"{text}; many programs write that, and nothing here ties it to Azure SignalR"
    if verdict is Verdict.UNDECIDED:
        return f"{text}; the text alone cannot say why"
    if root.entry.role is Role.CONSEQUENCE:
        return f"{text}; it is only a consequence"
    is_reasoned = weighed.cause is not None and root.cause is None
    return f"{text}: {weighed.reason[:1].lower()}{weighed.reason[1:].rstrip('.')}" if is_reasoned else text


def _facts(root: Group, match: Match) -> list[Fact]:
    entry = root.entry
    role = Role.SYMPTOM if entry.role is Role.CAUSE and root.cause is None else entry.role
    facts = [
        Fact("Known text", match.template.replace("*}", "}")),
        Fact("Who speaks", entry.speaker.value),
        Fact("About", entry.leg),
        Fact("What it is", _ROLES[role]),
    ]
    facts += [
        Fact(label, match.known[name][:_ID_MOST]) for name, label in _IDS.items() if is_real(match.known.get(name, ""))
    ]
    if (at := moment(match)) is not None:
        facts.append(Fact("Written at", times.iso(at)))
    return facts


def _counts(lines: int, unknown: Sequence[Record]) -> list[Fact]:
    return [Fact("Lines", f"{lines:,} read, {lines - len(unknown):,} known")] if lines > 1 else []


def _finding(root: Group, weighed: Weighed) -> Finding:
    entry = root.entry
    cause = weighed.cause
    return Finding(
        code=entry.code,
        cause=cause.family if cause else Family.UNKNOWN,
        severity=entry.severity,
        title=entry.title,
        meaning=" ".join(filter(None, (entry.meaning, weighed.reason))),
        fixes=entry.fixes,
        links=entry.links,
        evidence=(_evidence([match.text for match in root.matches], root.count),),
    )


def _other(group: Group) -> Finding:
    follows = "It follows from another of these lines. " if group.explained else ""
    return Finding(
        code=group.entry.code,
        cause=group.cause.family if group.cause else Family.UNKNOWN,
        severity=Severity.INFO if group.explained else group.entry.severity,
        title=group.entry.title,
        meaning=follows + group.entry.meaning,
        evidence=(_evidence([match.text for match in group.matches], group.count),),
    )


def _evidence(texts: Sequence[str], total: int = 0) -> Evidence:
    """The lines themselves; equal ones stand there once."""
    counts: dict[str, int] = {}
    for text in texts:
        shown = flat(text)[:_SHOWN]
        counts[shown] = counts.get(shown, 0) + 1
    total = max(total, len(texts))
    return Evidence(
        title="The pasted text",
        statement=f"{total:,} {'line says' if total == 1 else 'lines say'} this.",
        columns=("line", "times"),
        rows=tuple(islice(counts.items(), _ROWS)),
        total=len(counts),
    )


def _gaps(root: Group, weighed: Weighed, verdict: Verdict) -> tuple[Gap, ...]:
    if verdict is not Verdict.UNDECIDED and not (weighed.cause and weighed.cause.confidence is Confidence.LOW):
        return ()
    where = root.entry.evidence or " ".join(each.evidence_needed for each in weighed.candidates[:2])
    return (Gap("Which of the causes it is", "The text does not hold it.", where),) if where else ()


def _next(root: Group, groups: Sequence[Group]) -> tuple[NextStep, ...]:
    """The one command to run next, and a plainer one for when its id is not in the logs."""
    values: dict[str, str] = {}
    for group in [root, *groups]:
        for match in group.matches[:20]:
            for name, value in match.known.items():
                values.setdefault(name, value)
            if (at := moment(match)) is not None:
                values.setdefault("at", times.iso(at))
    found = [command for text in root.entry.next if (command := _filled(text, values))]
    return tuple(_step(command) for command in dict.fromkeys(found[:2]))


def _filled(text: str, values: Mapping[str, str]) -> str:
    """A command line with its holes filled, each value one word; empty when a value is missing."""
    names = ["at" if name == "time" else name for name in _HOLE.findall(text)]
    if not all(is_real(values.get(name, "")) and len(values[name]) <= _ID_MOST for name in names):
        return ""
    return _HOLE.sub(lambda hole: quote(values["at" if hole[1] == "time" else hole[1]]), text)


def _step(command: str) -> NextStep:
    return NextStep(_LABELS.get(command.split()[0], f"Run {command.split()[0]}"), command)
