"""Who is connected, how, and how well: transports, hubs, regions, how clients close, and what stands out.

Opening: queries/investigations/clients.kql; steps: the queries in the folder clients beside it.
Source: "Client connection drops" in the troubleshooting guide.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import Ask, Conclusion, Question, Tables, coverage, onward, silence
from bot.interpret.clients import findings, rows
from bot.interpret.clients.findings import Named
from bot.interpret.clients.rows import GOODBYE, Clients
from bot.interpret.said import count, percent, short, some
from bot.knowledge import Knowledge
from bot.model import Cause, Fact, Family, Finding, Gap, NextStep, Ruling, Verdict

# Before that a minute cannot repeat in three hours.
_CLOCKWORK = timedelta(hours=2)
_RULED = (
    (Family.NET, "client-network", "No address or network lost clients far more often than the others."),
    (Family.NET, "handshake-error", "Hardly any client closed during its handshake."),
    (Family.CLIENT, "client-ping-timeout", "Time-outs were a small part of all closes."),
    (Family.CLIENT, "slow-client", "Hardly any client was closed for being slow."),
    (Family.CLIENT, "bad-request", "Hardly any client was closed for a bad request."),
    (Family.AUTH, "token-expired", "There is no age at which connections without WebSockets end."),
    (Family.MODE, "serverless-entered", "No part of the clients entered serverless mode."),
)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Everything at once: nothing here waits for the opening's rows."""
    if tables:
        return ()
    steps = ["closes", "aborts", "short", "ages", "places", "bursts"]
    if question.command.window.span > _CLOCKWORK:
        steps.append("minutes")
    return [Ask(step, {}) for step in steps]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: what stands out first, then who is connected and how."""
    if not question.coverage:
        return silence.conclude(question, knowledge[silence.FINDINGS])
    if coverage.family(question, coverage.CONNECTION) is None:
        return _nothing(question)
    clients = rows.read(tables, knowledge["abort_reasons"])
    named = findings.read(clients, tables, knowledge)
    causes = list(dict.fromkeys(each.cause for each in named if each.cause))
    # Of one cause that two patterns show, the surer reading stands.
    causes = [each for each in causes if each == next(c for c in causes if c.code == each.code)]
    settled = {cause.code for cause in causes}
    told = [each.finding for each in named] or [_fine(clients, knowledge["clients_findings"])]
    # That nothing stands out says something only where the log is complete.
    is_open = any(each.cause is None and each.candidates for each in named)
    lack = "" if causes or is_open else coverage.incomplete(question, coverage.CONNECTION)
    candidates = dict.fromkeys(candidate for each in named for candidate in each.candidates)
    return Conclusion(
        verdict=Verdict.FINDING if causes else Verdict.UNDECIDED if lack or is_open else Verdict.OK,
        headline=_headline(clients, named, lack),
        cause=causes[0] if causes else None,
        further=tuple(causes[1:]),
        candidates=tuple(each for each in candidates if each.code not in settled),
        facts=_facts(clients),
        findings=tuple(told),
        rulings=_rulings(question, settled | ({findings.PING} if _times_out(named) else set())),
        timeline=findings.closes(clients) if clients.closes else None,
        gaps=_gaps(question),
        next_steps=_next(question, clients, causes),
        provisional_until=coverage.provisional(question),
    )


def _nothing(question: Question) -> Conclusion:
    """No Connection record: the family that this question reads is off or has nothing."""
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="No Connection record was logged in the window, so nothing can be said about clients.",
        facts=(Fact("Logged", coverage.held(question)),),
        gaps=(silence.connectivity_gap(),),
        rulings=_rulings(question, set()),
        next_steps=silence.wider(question),
        provisional_until=coverage.provisional(question),
    )


def _fine(clients: Clients, table: Knowledge) -> Finding:
    if not clients.total:
        return table["nobody-started"].finding({"summary": _ended(clients)})
    summary = f"{count(clients.total, 'connection')} started: {_shares(clients.transports)}. {_ended(clients)}"
    return table["clients-fine"].finding({"summary": summary}, (findings.closes(clients),) if clients.closes else ())


def _ended(clients: Clients) -> str:
    closed, goodbyes = clients.closes.total(), clients.closes[GOODBYE]
    if not closed:
        return "No close of a client was logged."
    return f"Of {count(closed, 'connection')} that closed, {percent(goodbyes, closed)} said goodbye."


def _headline(clients: Clients, named: Sequence[Named], lack: str) -> str:
    if lack:
        return f"Nothing stands out, but this can't be decided: {lack}."
    if not named:
        polling = percent(clients.transports["WebSockets"], clients.total) if clients.total else "none"
        return f"Nothing stands out: {count(clients.total, 'client connection')} started, {polling} over WebSockets."
    first = named[0].finding
    size = f" ({count(first.scope.size, 'client connection')})" if first.scope else ""
    more = f"; {count(len(named) - 1, 'other finding')} as well" if len(named) > 1 else ""
    return f"{first.title}{size}{more}."


def _facts(clients: Clients) -> tuple[Fact, ...]:
    entered = sum(row["connections"] for row in clients.serverless)
    reasons = Counter({code.replace("-", " "): number for code, number in clients.closes.items()})
    found = [
        Fact("Started", f"{clients.total:,}"),
        Fact("Transports", _shares(clients.transports)),
        Fact("Hubs", _shares(clients.hubs)),
        Fact("Regions", _shares(clients.regions)),
        Fact("Closed", f"{clients.closes.total():,} ({_shares(reasons)})" if reasons else "none"),
        Fact("Aborted within 5 s of the start", f"{sum(each.count for each in clients.short):,}"),
    ]
    if entered:
        found.append(Fact("Entered serverless mode", f"{entered:,} ({percent(entered, max(clients.total, entered))})"))
    return tuple(found)


def _shares(counter: Counter[str]) -> str:
    total = counter.total()
    return some([f"{short(name, 40)} {percent(number, total)}" for name, number in counter.most_common()]) or "none"


def _times_out(named: Sequence[Named]) -> bool:
    return any(each.finding.code in findings.TIMED_OUT for each in named)


def _rulings(question: Question, settled: set[str]) -> tuple[Ruling, ...]:
    return tuple(
        coverage.ruling(question, family, code, why, (coverage.CONNECTION,))
        for family, code, why in _RULED
        if code not in settled
    )


def _gaps(question: Question) -> tuple[Gap, ...]:
    found = [
        Gap(
            "Clients that never got as far as a connection",
            "A request that a proxy, a firewall or the app's negotiate refused leaves no Connection record.",
            "The clients' own logs, and the app server's.",
        ),
        Gap(
            "What the clients saw",
            "The service only sees that a client closed, or went silent.",
            "The clients' own logs (the close event and its error).",
        ),
    ]
    incomplete = coverage.gap(question, coverage.CONNECTION, "Everything about connections")
    return (*found, *((incomplete,) if incomplete else ()))


def _next(question: Question, clients: Clients, causes: Sequence[Cause]) -> tuple[NextStep, ...]:
    found = []
    if causes or clients.closes.total() > clients.closes[GOODBYE]:
        found.append(onward.step("See why clients drop", question, "drops"))
    if any(cause.family in (Family.APP, Family.MODE) for cause in causes):
        found.append(onward.step("See the app servers", question, "servers"))
    if any(cause.family is Family.AUTH for cause in causes):
        found.append(onward.step("See what was refused", question, "auth"))
    window = question.command.window
    if not clients.total and window.span < timedelta(days=7):
        wide = replace(window, start=window.end - timedelta(days=7))
        found.append(NextStep("Look at the last 7 days", replace(question.command, window=wide).line))
    return tuple(found)
