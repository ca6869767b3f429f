"""Are the app servers connected: what stands, what was lost and why, who joined, and what clients had of it.

Opening: queries/investigations/servers.kql; steps: the queries in the folder servers beside it.
Source: "Server connection drops" and "Thread pool starvation" in the troubleshooting guide.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, onward, silence
from bot.interpret.said import count, during
from bot.interpret.servers import clients as client
from bot.interpret.servers import episodes, joins, lines, modes, stated, words
from bot.interpret.servers.clients import Clients, total
from bot.interpret.servers.episodes import Episode
from bot.interpret.servers.lines import Line, Loss
from bot.knowledge import Knowledge
from bot.model import (
    Cause,
    Confidence,
    Fact,
    Family,
    Finding,
    Gap,
    NextStep,
    Ruling,
    Severity,
    Verdict,
    Window,
)

REASONS, FINDINGS = "abort_reasons", "servers_findings"
# Server connections live for days; so far back their opening is looked for.
BEFORE = timedelta(days=7)
# The rows that queries/investigations/servers.kql takes.
ROWS = 4000
# What left in good order, but belongs to an address that a better story is told about.
_ASIDE = frozenset({"app-scaled-in", "app-scaled-in-gracefully", "left-at-the-end", "server-connection-replaced"})
# What the rows leave open between a harmless reading and another.
_UNDECIDED = frozenset({"joined-unlike-the-others", "several-servers-lost", "nothing-to-see"})
# What says that nothing happened, as far as the records go.
_QUIET = frozenset({"servers-connected", "servers-unseen"})
# Of equal weight, what explains the rest.
_FIRST = frozenset({"no-available-server", "mode-switched"})
_RULED = (
    (Family.APP, "app-server-crashed", "No address lost all its server connections at once without a goodbye."),
    (Family.APP, "app-server-starved", "No address missed its pings again and again."),
    (Family.NET, "server-network", "No two addresses missed their pings at the same time."),
    (Family.APP, "foreign-app-server", "No address joined that differs from the others."),
    (Family.LEAK, "server-connection-leak", "No address opened server connection after connection."),
    (Family.APP, "no-available-server", "No client was closed for want of an app server."),
    (Family.MODE, "serverless-entered", "No client entered serverless mode."),
)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Everything at once: what was open before, and what the clients went through."""
    if tables:
        return ()
    window = question.command.window
    slot = max(round(window.span.total_seconds() / client.SLOTS), 1)
    return [
        Ask("earlier", {}, Window(window.start - BEFORE, window.start)),
        Ask("clients", {"slot_seconds": slot}),
        Ask("closes", {}),
    ]


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: causes first, then what happened without harm, then what stands."""
    if not question.coverage:
        return silence.conclude(question, knowledge[silence.FINDINGS])
    if coverage.family(question, coverage.CONNECTION) is None:
        return _nothing(question)
    window, table, reasons = question.command.window, knowledge[FINDINGS], knowledge[REASONS]
    known, seen = lines.read(tables, reasons), client.read(tables, reasons)
    losses = lines.losses(known, episodes.RETURN)
    story, joined = _story(known, losses, seen, window)
    named = _named(question, story, joined, losses, known, seen, table, reasons)
    decided = [cause for _, cause in named if cause]
    open_causes = [candidate for each in story for candidate in each.candidates]
    findings = tuple(made for made, _ in named) or (_quiet(question, known, seen, table),)
    undecided = any(made.code in _UNDECIDED for made in findings)
    lack = "" if decided else coverage.incomplete(question, coverage.CONNECTION)
    verdict = Verdict.FINDING if decided else Verdict.UNDECIDED if undecided or lack else Verdict.OK
    settled = {cause.code for cause in decided}
    return Conclusion(
        verdict=verdict,
        headline=_headline(findings, decided, lack),
        cause=decided[0] if decided else None,
        further=tuple(decided[1:]),
        candidates=tuple(dict.fromkeys(each for each in open_causes if each.code not in settled)),
        facts=words.facts(known, seen, window),
        findings=findings,
        rulings=_rulings(question, {*settled, *(each.code for each in open_causes)}),
        timeline=words.timeline(story),
        chart=lines.chart(known, window),
        gaps=_gaps(question, known),
        next_steps=_next(question, story),
        notes=(f"Only the latest {ROWS:,} server connections were read.",) if len(tables[OPENING].rows) >= ROWS else (),
        provisional_until=coverage.provisional(question),
    )


def _story(
    known: Sequence[Line], losses: Sequence[Loss], seen: Clients, window: Window
) -> tuple[list[Episode], dict[Episode, joins.Join]]:
    """Every episode, and what is known about the addresses that joined."""
    leaked = joins.leaks(known)
    happened = [*stated.read(known, seen), *episodes.read(losses, known, seen, window), *leaked]
    explained = {address for each in happened if each.joined for address in each.addresses}
    joined = {each.episode: each for each in joins.read(known, seen, window, explained)}
    # Its going says nothing new about an address whose coming was odd.
    odd = {address for each in joined if each.code != "app-scaled-out" for address in each.addresses}
    happened = [each for each in happened if each.code not in _ASIDE or not odd.issuperset(each.addresses)]
    return [*happened, *joined], joined


def _named(
    question: Question, story: Sequence[Episode], joined: Mapping[Episode, joins.Join], losses: Sequence[Loss],
    known: Sequence[Line], seen: Clients, table: Knowledge, reasons: Knowledge,
) -> list[tuple[Finding, Cause | None]]:  # fmt: skip
    """The findings with the causes they stand for, the heaviest first; each code once."""
    found: list[tuple[Finding, Cause | None]] = list(stated.findings(story, table, reasons))
    rest = [each for each in story if not stated.is_stated(each)]
    for code in dict.fromkeys(each.code for each in rest):
        mine = [each for each in rest if each.code == code]
        made = words.finding(mine, table, **_more(mine, joined))
        surest = [confidence for confidence in Confidence if confidence in {each.confidence for each in mine}]
        found.append((made, Cause(made.cause, code, surest[0]) if surest else None))
    if none_left := modes.without_servers(question, losses, known, seen, table):
        made, confidence = none_left
        found.append((made, Cause(made.cause, made.code, confidence)))
    if mode := modes.serverless(seen, known, story, table):
        cause = Cause(mode.cause, mode.code, Confidence.HIGH)
        found.append((mode, cause if mode.severity > Severity.INFO else None))
    return sorted(found, key=_weight)


def _weight(pair: tuple[Finding, Cause | None]) -> tuple[bool, int, int, int]:
    """Causes before what is no cause; the heavier first; what leaves nobody served, then what hit most."""
    made, cause = pair
    size = made.scope.size if made.scope and made.scope.unit != "server connections" else 0
    return cause is None, -made.severity, 0 if made.code in _FIRST else 1, -size


def _more(mine: Sequence[Episode], joined: Mapping[Episode, joins.Join]) -> dict[str, str]:
    """The words about addresses that are unlike the others."""
    these = [joined[each] for each in mine if each in joined]
    unlike = dict.fromkeys(text for each in these for text in each.unlike)
    errors, usual = sum(each.errors for each in these), sum(each.usual for each in these)
    closed = f"The app closed {count(errors, 'client')} of its hubs while it was there"
    text = f"{closed}; about {usual:,.0f} were to be expected."
    return {"unlike": "; ".join(unlike), "errors": text} if these else {}


def _quiet(question: Question, known: Sequence[Line], seen: Clients, table: Knowledge) -> Finding:
    """Nothing happened: what is known to stand, or what the clients show."""
    if known:
        return table["servers-connected"].finding({"standing": words.standing(known, question.command.window)})
    started = seen.started()
    text = (
        f"{count(started, 'client connection')} started in this time, none was closed for want of an app server and "
        "none entered serverless mode: somebody serves them."
        if started
        else "No client connected in this time either, so it can't be told whether app servers are there."
    )
    return table["servers-unseen" if started else "nothing-to-see"].finding(
        {"served": text}, (words.served(seen, False),)
    )


def _nothing(question: Question) -> Conclusion:
    """No Connection record: the family that this question reads is off or has nothing."""
    gap = coverage.gap(question, coverage.CONNECTION, "Whether app servers are connected")
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline="No Connection record was logged in the window, so nothing can be said about app servers.",
        facts=(Fact("Logged", coverage.held(question)),),
        gaps=(gap,) if gap else (),
        rulings=_rulings(question, set()),
        next_steps=silence.wider(question),
        provisional_until=coverage.provisional(question),
    )


def _headline(findings: Sequence[Finding], decided: Sequence[Cause], lack: str) -> str:
    first = findings[0]
    scope = first.scope
    if lack:
        return f"{first.title}, but this can't be decided: {lack}."
    hit = count(scope.size, scope.unit.removesuffix("s")) if scope else ""
    when = f": {hit}, {during(scope.first, scope.last)}" if scope else ""
    more = f"; {count(len(decided) - 1, 'other cause')} as well" if len(decided) > 1 else ""
    return f"{first.title}{when}{more}."


def _rulings(question: Question, known: set[str]) -> tuple[Ruling, ...]:
    return tuple(
        coverage.ruling(question, family, code, why, (coverage.CONNECTION,))
        for family, code, why in _RULED
        if code not in known
    )


def _gaps(question: Question, known: Sequence[Line]) -> tuple[Gap, ...]:
    found = [
        Gap(
            "How many clients each app server has",
            "No record ties a client to its server connection.",
            "The app server's own log and metrics.",
        ),
        Gap(
            "What the app servers were doing",
            "Resource logs end at the service; CPU, threads and deployments are the app's.",
            "The app server's log and metrics at these minutes.",
        ),
    ]
    if not known or any(line.opened is None for line in known):
        found.insert(
            0,
            Gap(
                "All server connections",
                f"What opened more than {BEFORE.days} days before the window, or before logs were kept, "
                "shows only when it closes.",
                "Connection Count (Server) in the resource's metrics.",
            ),
        )
    incomplete = coverage.gap(question, coverage.CONNECTION, "Everything about connections")
    return (*found, *((incomplete,) if incomplete else ()))


def _next(question: Question, story: Sequence[Episode]) -> tuple[NextStep, ...]:
    found = []
    hit = max((each for each in story if each.lost), key=lambda each: (total(each.hit), len(each.lost)), default=None)
    if hit and (line := next((line for line in hit.lost if not line.goodbye), None)):
        found.append(onward.step("Ask why one of them dropped", question, "why-dropped", line.connection_id))
    if any(total(each.hit) for each in story):
        found.append(onward.step("See the clients' drops", question, "drops"))
    if any(each.code == "server-connection-leak" for each in story):
        found.append(onward.step("See what grows", question, "growth"))
    window = question.command.window
    if not story and window.span < BEFORE:
        wide = Window(window.end - BEFORE, window.end)
        found.append(NextStep("Look at the last 7 days", replace(question.command, window=wide).line))
    return tuple(found)
