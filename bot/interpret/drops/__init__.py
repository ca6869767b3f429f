"""Why are connections dropping: by reason, in waves, each with its likely cause, its owner and who came back.

Opening: queries/investigations/drops.kql; steps: the queries in the folder drops beside it, all asked at once.
Source: "Unexpected connection dropping" in the logs guide, and "Client connection drops" and "Server connection drops"
in the troubleshooting guide.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from datetime import timedelta

from bot.interpret import OPENING, Ask, Conclusion, Question, Tables, coverage, onward, silence
from bot.interpret.drops import servers, tally, waves, words
from bot.interpret.drops.episodes import Episode, Scene, Told, tell
from bot.interpret.drops.servers import Happening, What
from bot.interpret.drops.tally import Ends
from bot.interpret.said import count, during, percent
from bot.knowledge import Knowledge
from bot.model import (
    Candidate,
    Cause,
    Evidence,
    Fact,
    Family,
    Finding,
    Gap,
    NextStep,
    Row,
    Ruling,
    Severity,
    Verdict,
    Window,
)

FINDINGS, REASONS = "drops_findings", "abort_reasons"
# Tokens live an hour: the start of what they end lies so far before the window.
_LIVES = timedelta(hours=2)
# Server connections live for days; so far back their starts are looked for.
_SERVERS_BEFORE = timedelta(hours=24)
_BACK = timedelta(minutes=10)
_ALARM = Severity.WARNING
# As many rows as queries/investigations/drops/members.kql returns at most.
_FULL = 4000
# What an alarm zooms into: the wave, and a little around it.
_AROUND = timedelta(minutes=2)
# What is looked for in every window.
_RELOAD = (Family.SERVICE, "service-reload")
_LIMIT = (Family.QUOTA, "connection-limit")
_HUB = (Family.HUB, "hub-exception")
_SERVER = (Family.APP, "server-connection-dropped")
_NETWORK = (Family.NET, "client-network")
_RULED = (_RELOAD, _LIMIT, _HUB, _SERVER, _NETWORK)


def asks(question: Question, tables: Tables) -> Sequence[Ask]:
    """Every step, before anything is known: none depends on another."""
    if tables:
        return ()
    window = question.command.window
    before = Window(window.start - window.span, window.start)
    wide = Window(before.start, window.end)
    return (
        Ask("before", {}, before),
        Ask("members", {"since": window.start, "most_back": _BACK}, Window(window.start - _LIVES, window.end)),
        Ask("servers", {}, Window(window.start - _SERVERS_BEFORE, window.end)),
        Ask("usual", {}, wide),
        Ask("addresses", {}, wide),
    )


def conclude(question: Question, tables: Tables, knowledge: Mapping[str, Knowledge]) -> Conclusion:
    """The answer: the biggest cause first, the others after it, and what could be ruled out."""
    if not question.coverage:
        return silence.conclude(question, knowledge["connection_findings"])
    if coverage.family(question, coverage.CONNECTION) is None:
        return _unlogged(question)
    groups = tally.ends(tables[OPENING].rows, knowledge[REASONS])
    earlier = tally.ends(tables["before"].rows, knowledge[REASONS]) if "before" in tables else None
    scene, told, around = _read(question, tables, knowledge[REASONS], groups, earlier)
    alarms = [each for each in told.episodes if each.severity >= _ALARM]
    findings = [words.finding(each, scene, knowledge[FINDINGS], knowledge[REASONS]) for each in told.episodes]
    findings.append(_overview(question, groups, earlier, told, knowledge[FINDINGS]))
    causes = _causes(alarms)
    lacks = [step for step in ("members", "servers") if step not in tables]
    return Conclusion(
        verdict=_verdict(question, alarms, lacks),
        headline=_headline(question, groups, alarms, scene),
        cause=causes[0] if causes else None,
        further=tuple(causes[1:]),
        candidates=_candidates(alarms, knowledge),
        facts=_facts(groups, earlier, told, around),
        findings=tuple(findings),
        rulings=_rulings(question, groups, told),
        chart=words.chart(question, groups),
        gaps=_gaps(question, told, lacks),
        next_steps=_next(question, alarms),
        notes=_notes(scene),
        provisional_until=coverage.provisional(question),
    )


def _rows(tables: Tables, step: str) -> Sequence[Row]:
    return tables[step].rows if step in tables else ()


def _read(
    question: Question, tables: Tables, table: Knowledge, groups: Sequence[Ends], earlier: Sequence[Ends] | None
) -> tuple[Scene, Told, Sequence[Happening]]:
    window = question.command.window
    dropped = tally.drops(_rows(tables, "members"), table)
    in_all = tally.total(groups, server=False, goodbyes=False)
    # Fewer members than closes by more than a repeated close can explain: they are a sample.
    weight = in_all / len(dropped) if len(dropped) >= _FULL and in_all > len(dropped) else 1.0
    before: Counter[str] | None = None
    if earlier:
        before = Counter()
        for each in earlier:
            before[each.code] += 0 if each.is_server else each.connections
    usual_rows = _rows(tables, "usual")
    lines = servers.lines(_rows(tables, "servers"), table)
    closes: Counter[int] = Counter()
    by_code: defaultdict[str, Counter[int]] = defaultdict(Counter)
    for each in groups:
        if not each.is_server:
            closes.update(each.steps)
            by_code[each.code].update(each.steps)
    scene = Scene(
        window=window,
        usual=waves.usual(usual_rows, _rows(tables, "addresses")),
        weight=weight,
        ended=tally.total(groups, server=False),
        before=before,
        ended_before=tally.total(earlier or (), server=False),
        lines=lines,
        closes=closes,
        by_code=by_code,
    )
    around = servers.happenings(lines, window, max((row["last_seen"] for row in usual_rows), default=None))
    return scene, tell(dropped, around, scene), around


def _verdict(question: Question, alarms: Sequence[Episode], lacks: Sequence[str]) -> Verdict:
    if any(each.cause for each in alarms):
        return Verdict.FINDING
    return Verdict.UNDECIDED if alarms or lacks or coverage.incomplete(question, coverage.CONNECTION) else Verdict.OK


def _causes(alarms: Sequence[Episode]) -> list[Cause]:
    """One for each code, the one that hit most clients first."""
    found: dict[str, Cause] = {}
    for each in alarms:
        if each.cause:
            found.setdefault(each.cause.code, each.cause)
    return list(found.values())


def _headline(question: Question, groups: Sequence[Ends], alarms: Sequence[Episode], scene: Scene) -> str:
    closed = tally.total(groups, server=False)
    dropped = tally.total(groups, server=False, goodbyes=False)
    share = _share(groups)
    if alarms:
        said = [words.name(each, scene) for each in alarms[:2]]
        more = f"; and {len(alarms) - 2} more" if len(alarms) > 2 else ""
        text = "; then ".join(said) if len(said) > 1 else said[0]
        return f"{text[:1].upper()}{text[1:]}{more}. In all {share}."
    if lack := coverage.incomplete(question, coverage.CONNECTION):
        return f"Nothing unusual in what was logged, but {lack}.{f' In all {share}.' if closed else ''}"
    if not closed:
        return "No client connection closed in this window."
    if not dropped:
        return f"Nothing dropped: all {count(closed, 'client connection')} that closed said goodbye."
    return f"Nothing unusual: {share}, one by one."


def _candidates(alarms: Sequence[Episode], knowledge: Mapping[str, Knowledge]) -> tuple[Candidate, ...]:
    """What the episodes leave open, the biggest's first; what is a cause already is none."""
    decided = {each.cause.code for each in alarms if each.cause}
    found: dict[str, Candidate] = {}
    for each in alarms:
        entry = words.entry_of(each, knowledge[FINDINGS], knowledge[REASONS])
        for candidate in entry.candidates:
            found.setdefault(candidate.code, candidate)
        if each.cause is None and not entry.candidates:
            why = f"{count(each.size, 'client')} closed with a text that no public source explains."
            needed = "The app server's and the clients' own logs at this minute; a support request with this text."
            found.setdefault(each.code, Candidate(Family.UNKNOWN, each.code, why, needed))
    return tuple(candidate for code, candidate in found.items() if code not in decided)


def _overview(
    question: Question, groups: Sequence[Ends], earlier: Sequence[Ends] | None, told: Told, table: Knowledge
) -> Finding:
    proof: list[Evidence] = [words.by_reason(groups, told.strays)]
    window = question.command.window
    closed = tally.total(groups, server=False)
    dropped = tally.total(groups, server=False, goodbyes=False)
    said = f"{count(closed, 'client connection')} closed, {dropped:,} of them for a reason or aborted."
    said += f" {count(tally.total(groups, server=True), 'server connection')} closed."
    before = f" {during(window.start - window.span, window.start)}"
    if earlier:
        said += f" In the same span before: {_share(earlier)}."
        proof.append(Evidence("The same span before", _share(earlier) + before + ".", step="before"))
    elif earlier is not None:
        said += " The same span before holds no close to compare with."
        proof.append(Evidence("The same span before", f"No close was logged{before}.", step="before"))
    return table["ends-by-reason"].finding({"summary": said}, proof)


def _share(groups: Sequence[Ends]) -> str:
    closed = tally.total(groups, server=False)
    dropped = tally.total(groups, server=False, goodbyes=False)
    said = f"{count(dropped, 'drop')} among {count(closed, 'client connection')} that closed"
    return f"{said} ({percent(dropped, closed)})"


def _facts(
    groups: Sequence[Ends], earlier: Sequence[Ends] | None, told: Told, around: Sequence[Happening]
) -> tuple[Fact, ...]:
    closed = tally.total(groups, server=False)
    dropped = tally.total(groups, server=False, goodbyes=False)
    expected = dropped - sum(g.connections for g in groups if not g.is_server and g.is_unexpected)
    lost = tally.total(groups, server=True, goodbyes=False)
    before = "not known: that query failed" if earlier is None else "no close was logged"
    found = [
        Fact("Dropped clients", f"{dropped:,} of {closed:,} that closed ({percent(dropped, closed)})"),
        Fact("Of these expected", f"{expected:,}"),
        Fact("Dropped server connections", f"{lost:,} of {tally.total(groups, server=True):,} that closed"),
        Fact("Same span before", _share(earlier) if earlier else before),
    ]
    if drops := [drop for each in told.episodes for drop in each.drops]:
        found.append(Fact("Came back", words.returns(drops).statement))
    quiet = [each for each in around if each.what in (What.DEPLOYED, What.SCALED_IN)]
    quiet = [each for each in quiet if not any(episode.server is each for episode in told.episodes)]
    if addresses := {address for each in quiet for address in each.addresses}:
        found.append(
            Fact("App servers turned over", f"{count(len(addresses), 'address', 'addresses')}, without a drop")
        )
    return tuple(found)


def _rulings(question: Question, groups: Sequence[Ends], told: Told) -> tuple[Ruling, ...]:
    """The causes that were looked for and not found, each with what was counted."""
    named = {each.cause.code for each in told.episodes if each.cause}
    open_codes = {each.code for each in told.episodes if each.cause is None}
    texts = {each.code for each in groups}
    lost = tally.total(groups, server=True, goodbyes=False)
    found = []

    def rule(cause: tuple[Family, str], because: str) -> None:
        found.append(coverage.ruling(question, *cause, because, [coverage.CONNECTION]))

    if "service-reload" not in texts:
        rule(_RELOAD, "No connection closed with a reload as its reason.")
    if "connection-limit" not in texts and "message-quota" not in texts:
        rule(_LIMIT, "No connection closed with a limit as its reason.")
    if "hub-exception" not in texts:
        rule(_HUB, "No close carries an error that the app server reported.")
    if (
        not lost
        and not named & {"server-connection-dropped", "app-deployed", "app-scaled-in"}
        and ("server-connection-dropped" not in texts and "app-servers-gone" not in open_codes)
    ):
        rule(_SERVER, "No server connection was lost, and no client names one.")
    if not named & {"client-network"} and not open_codes & {"silent-together"}:
        rule(_NETWORK, "No address or network lost clients in a burst.")
    return tuple(found)


def _gaps(question: Question, told: Told, lacks: Sequence[str]) -> tuple[Gap, ...]:
    found = [coverage.gap(question, coverage.CONNECTION, "Whether more connections dropped")]
    if any(each.server or each.code == "server-connection-dropped" for each in told.episodes):
        found.append(
            Gap(
                "Which app server served which client",
                "No record ties a client to its server connection.",
                "The app servers' own log (category Microsoft.Azure.SignalR, level Information).",
            )
        )
    if told.episodes and any(not drop.user for each in told.episodes for drop in each.drops):
        found.append(
            Gap(
                "Whether clients without a user id came back",
                "A new connection has a new id; only the user id tells whose it is.",
                "Give each connection a user id when negotiating (a name identifier claim).",
            )
        )
    if lacks:
        found.append(
            Gap("What the drops share", f"Not answered: {', '.join(lacks)}.", "Ask again with a narrower window.")
        )
    return tuple(each for each in found if each)


def _next(question: Question, alarms: Sequence[Episode]) -> tuple[NextStep, ...]:
    if not alarms:
        return ()
    window, biggest = question.command.window, alarms[0]
    found = []
    if biggest.drops:
        one = biggest.drops[0].connection
        found.append(onward.step("Look at one of them", question, "why-dropped", one))
    if biggest.server:
        found.append(onward.step("Look at the app servers", question, "servers"))
    near = Window(max(window.start, biggest.first - _AROUND), min(window.end, biggest.last + _AROUND))
    if near.span * 2 < window.span:
        found.append(onward.step("Zoom into the biggest", question, "drops", window=near))
    return tuple(found)


def _notes(scene: Scene) -> tuple[str, ...]:
    if scene.weight <= 1:
        return ()
    return (f"Of the drops one in {scene.weight:.1f} was looked at; sizes and shares are estimates from those.",)


def _unlogged(question: Question) -> Conclusion:
    """Records, but none about connections."""
    gap = coverage.gap(question, coverage.CONNECTION, "Whether and why connections dropped")
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline=f"No connection was logged in this window ({coverage.held(question)}): drops can't show.",
        gaps=(gap,) if gap else (),
        rulings=coverage.unknown(question, coverage.CONNECTION, *_RULED),
        next_steps=silence.wider(question),
        provisional_until=coverage.provisional(question),
    )
