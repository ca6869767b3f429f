"""What the HTTP request log says: its records grouped by what is there, and by status where the text proves one.

Neither the family's name nor its texts are public for this service, so nothing is read into a record that it does not
state. Source: "Monitor Azure SignalR Service": status codes and URLs of the requests that the service received.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, onward, silence
from bot.interpret.said import count, during, percent, short, some
from bot.knowledge import Knowledge
from bot.model import Candidate, Cause, Confidence, Evidence, Fact, Family, Finding, Gap, NextStep, Row, Scope, Verdict

FINDINGS = "requests_findings"
# The forms that say of a number that it is an HTTP status.
_STATUS = re.compile(
    r"""["']?\bstatus[ _-]?code["']?\s*(?:[:=]|is)?\s*["']?(?P<labelled>[1-5]\d\d)\b(?!\.\d)"""
    r"""|\bHTTP/\d(?:\.\d)?["']?\s+(?P<line>[1-5]\d\d)\b"""
    r"""|\b(?:responded|answered)(?: with)?(?: HTTP)?(?: status)? (?P<told>[1-5]\d\d)\b(?! ?ms)""",
    re.IGNORECASE,
)
_REQUEST = re.compile(
    r"\b(?P<method>GET|POST|PUT|DELETE|PATCH|HEAD|OPTIONS)\s+(?:[a-z]{2,5}://[^\s/?#\"']+)?(?P<path>/[^\s?#\"'<>]*)"
)
_URL = re.compile(r"\b(?:https?|wss?)://[^\s/?#\"']+(?P<path>/[^\s?#\"'<>]*)", re.IGNORECASE)
# A few failures are part of any day; from so many, and so much of all, on they are worth a look.
FEW, PART = 10, 0.01
_ROWS = 30
_OWN = {401: "requests-unauthorized", 429: "requests-throttled", 400: "requests-bad"}
_RULES = ((401, Family.AUTH, "unauthorized"), (400, Family.CLIENT, "bad-request"))
_LIMITS = (
    Candidate(Family.QUOTA, "connection-limit", "The resource may hold as many connections as it may.",
              "Throttling records, or the metric Connection Quota Utilization."),
    Candidate(Family.QUOTA, "negotiate-burst", "Too many clients may have negotiated at once.",
              "Connection starts per second at these moments."),
    Candidate(Family.QUOTA, "message-quota", "The daily messages of a Free tier may be used up.",
              "The tier, and the metric Message Count since 00:00 UTC."),
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Group:
    """Records of one text; `status` is None when the text proves none, `path` "" when it states none."""

    status: int | None
    method: str
    path: str
    row: Row

    @property
    def records(self) -> int:
        return int(self.row["records"])


def asks(question: Question, tables: Tables) -> Sequence[Ask]:  # noqa: ARG001 - Interpreter names them
    """Nothing more: one query holds it all."""
    return ()


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The failures by status, or that nothing was logged or can be read."""
    if not question.coverage:
        return silence.conclude(question, knowledge[silence.FINDINGS])
    groups = [_read(row) for row in tables[OPENING].rows]
    table = knowledge[FINDINGS]
    if not groups:
        return _off(question, table)
    understood = [group for group in groups if group.status is not None]
    failures = _failures(understood, table)
    causes = tuple(
        Cause(family, code, Confidence.MEDIUM)
        for status, family, code in _RULES
        if any(made.code == _OWN[status] for made in failures)
    )
    candidates = _candidates(failures)
    # What a 5xx or 404 means is open; a finding is only what a status states.
    verdict = Verdict.FINDING if causes else Verdict.UNDECIDED if failures or not understood else Verdict.OK
    return Conclusion(
        verdict=verdict,
        headline=_headline(groups, understood, failures),
        cause=causes[0] if causes else None,
        further=causes[1:],
        candidates=candidates,
        facts=_facts(groups, understood),
        findings=tuple(failures) or (_calm(groups, understood, table),),
        timeline=_evidence("All records, by text", groups),
        gaps=_gaps(groups, understood),
        next_steps=_next(question, failures),
        provisional_until=coverage.provisional(question),
    )


def _read(row: Row) -> Group:
    text = row["text"]
    statuses = {int(next(filter(None, match.groups()))) for match in _STATUS.finditer(text)}
    request = _REQUEST.search(text) or _URL.search(text)
    # Two statuses in one text contradict each other: neither is proven.
    status = statuses.pop() if len(statuses) == 1 else None
    method = request["method"] if request and "method" in request.groupdict() else ""
    return Group(status, method, request["path"] if request else "", row)


def _off(question: Question, table: Knowledge) -> Conclusion:
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="No HTTP request was logged in the window.",
        findings=(table["requests-off"].finding({"held": coverage.held(question)}),),
        gaps=(
            Gap(
                "Which requests the service answered, and how",
                "No record of the HTTP request log was found in the window.",
                "Log Source Settings of the resource: HttpRequestLogs.",
                coverage.LOGS,
            ),
        ),
        next_steps=(
            onward.step("See what was refused", question, "auth"),
            onward.step("See what was throttled", question, "throttling"),
        ),
        provisional_until=coverage.provisional(question),
    )


def _failures(understood: Sequence[Group], table: Knowledge) -> list[Finding]:
    total = sum(group.records for group in understood)
    kinds: defaultdict[str, list[Group]] = defaultdict(list)
    for group in understood:
        if group.status is not None and group.status >= 400:
            other = "requests-server-errors" if group.status >= 500 else "requests-failed"
            kinds[_OWN.get(group.status, other)].append(group)
    found = []
    for code, mine in kinds.items():
        failed = sum(group.records for group in mine)
        if failed < FEW or failed < PART * total:
            continue
        paths = _by(mine, lambda group: group.path)
        where = some([short(path, 80) for path, _ in paths.most_common() if path])
        first, last = min(group.row["first_seen"] for group in mine), max(group.row["last_seen"] for group in mine)
        statuses = sorted({str(group.status) for group in mine})
        words = {
            "failed": f"{failed:,}",
            "understood": count(total, "request"),
            "when": during(first, last),
            "where": f" (path {where})" if where else "",
            "statuses": some(statuses),
        }
        shared = (Fact("path", where),) if len(paths) == 1 and where else ()
        made = table[code].finding(words, (_evidence(f"Answered {some(statuses)}", mine),))
        found.append(replace(made, scope=Scope(failed, "requests", first, last, shared)))
    return sorted(found, key=lambda made: (-made.severity, -(made.scope.size if made.scope else 0), made.code))


def _calm(groups: Sequence[Group], understood: Sequence[Group], table: Knowledge) -> Finding:
    number = count(sum(group.records for group in groups), "record")
    if not understood:
        return table["requests-not-understood"].finding({"all": number}, (_evidence("Texts", groups),))
    words = {"all": number, "understood": f"{sum(g.records for g in understood):,}", "classes": _classes(understood)}
    return table["requests-fine"].finding(words, (_evidence("Statuses", understood),))


def _candidates(failures: Sequence[Finding]) -> tuple[Candidate, ...]:
    found: list[Candidate] = []
    codes = {made.code for made in failures}
    if "requests-throttled" in codes:
        found += _LIMITS
    if "requests-server-errors" in codes:
        found += [
            Candidate(Family.APP, "no-available-server", "A negotiate without a connected app server answers 500.",
                      "The app servers' connections at these moments (servers)."),
            Candidate(Family.SERVICE, "service-transient-error", "The service itself may have failed.",
                      "The metric System Errors at these moments."),
        ]  # fmt: skip
    if "requests-failed" in codes:
        found.append(
            Candidate(Family.CLIENT, "bad-request", "The caller may ask for what is not there, or may not have it.",
                      "The caller's own log, and the network rules of the resource.")
        )  # fmt: skip
    return tuple(found)


def _headline(groups: Sequence[Group], understood: Sequence[Group], failures: Sequence[Finding]) -> str:
    total, known = sum(group.records for group in groups), sum(group.records for group in understood)
    if failures:
        size = failures[0].scope.size if failures[0].scope else 0
        return f"{failures[0].title}: {size:,} of {count(known, 'request')} with a known status."
    if not understood:
        return f"{count(total, 'record')} of the HTTP request log, none with a status that can be read."
    return f"No failed request stands out among {count(known, 'request')} with a known status."


def _facts(groups: Sequence[Group], understood: Sequence[Group]) -> tuple[Fact, ...]:
    total, known = sum(group.records for group in groups), sum(group.records for group in understood)
    families = _by(groups, lambda group: group.row["Collection"] or "(no family)")
    levels = _by(groups, lambda group: group.row["Level"] or "(none)")
    return (
        Fact("Records", f"{total:,}"),
        Fact("Families", _listed(families)),
        Fact("Statuses", _classes(understood) if understood else "none can be read"),
        Fact("Not understood", f"{total - known:,} ({percent(total - known, total)})"),
        Fact("Levels", _listed(levels)),
    )


def _classes(understood: Sequence[Group]) -> str:
    return _listed(_by(understood, lambda group: f"{(group.status or 0) // 100}xx"))


def _by(groups: Sequence[Group], key: Callable[[Group], str]) -> Counter[str]:
    found = Counter[str]()
    for group in groups:
        found[key(group)] += group.records
    return found


def _listed(counter: Counter[str]) -> str:
    return some([f"{short(name, 40)} {number:,}" for name, number in counter.most_common()], 6)


def _evidence(title: str, groups: Sequence[Group]) -> Evidence:
    rows = tuple(
        (
            group.records,
            group.status,
            f"{group.method} {short(group.path, 100)}".strip(),
            short(group.row["OperationName"], 60),
            group.row["Level"],
            _caller(group.row),
            group.row["first_seen"],
            group.row["last_seen"],
            short(group.row["text"], 200),
        )
        for group in groups
    )
    return Evidence(
        title=title,
        statement=f"{count(sum(group.records for group in groups), 'record')} of {count(len(groups), 'text')}; "
        "query strings are left out.",
        columns=("Records", "Status", "Request", "Event", "Level", "Caller", "Earliest (UTC)", "Latest (UTC)", "Text"),
        rows=rows[:_ROWS],
        total=len(rows),
        step=OPENING,
    )


def _caller(row: Row) -> str:
    return str(row["address"]) if row["addresses"] == 1 else count(row["addresses"], "address", "addresses")


def _gaps(groups: Sequence[Group], understood: Sequence[Group]) -> tuple[Gap, ...]:
    left = sum(group.records for group in groups) - sum(group.records for group in understood)
    found = [
        Gap(
            "Requests that never reached the service",
            "Network rules, proxies and the app's own negotiate endpoint answer before it.",
            "The app server's and the caller's logs.",
        )
    ]
    if left:
        found.append(
            Gap(
                f"What {count(left, 'record')} mean",
                "Their text states no status in a known form; this log's fields are not public.",
                "The live trace tool, or a support request that quotes such a record.",
            )
        )
    return tuple(found)


def _next(question: Question, failures: Sequence[Finding]) -> tuple[NextStep, ...]:
    codes = {made.code for made in failures}
    verbs = (("requests-unauthorized", "See what was refused", "auth"),
             ("requests-throttled", "See what was throttled", "throttling"),
             ("requests-server-errors", "See the app servers", "servers"))  # fmt: skip
    return tuple(onward.step(label, question, verb) for code, label, verb in verbs if code in codes)
