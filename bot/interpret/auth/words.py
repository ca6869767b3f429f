"""The sentences around refused tokens: headline, facts, rulings, gaps, next steps."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta

from bot.interpret import Question, Tables, coverage, onward, silence
from bot.interpret.auth.audience import Failure, Part
from bot.interpret.auth.lifetimes import Ceiling
from bot.interpret.auth.refusals import UNKNOWN, Course, Group
from bot.interpret.coverage import AUTHORIZATION, CONNECTION
from bot.interpret.said import count, during, moment, percent, short, some
from bot.model import Conclusion, Evidence, Fact, Family, Finding, Gap, Link, NextStep, Ruling, Scope, Verdict
from bot.times import span_text

_GUIDE = "https://learn.microsoft.com/azure/azure-signalr/"
_NAMES = {
    Part.MISSING: "one is missing",
    Part.FORM: "form",
    Part.KIND: "kind of token",
    Part.HOST: "host",
    Part.PORT: "port",
    Part.SCHEME: "scheme",
    Part.PREFIX: "hub prefix",
    Part.HUB: "hub",
    Part.CASE: "upper and lower case",
    Part.SLASH: "slash",
    Part.PATH: "path",
    Part.QUERY: "query",
    Part.ENCODING: "spelling",
    Part.SAME: "nothing that is shown",
}
# A wave is dated only where the log shows the time before it.
_QUIET = timedelta(minutes=5)
_STILL = timedelta(minutes=5)
_KEPT = 1000
_RULED = ("wrong-audience", "token-expired", "unauthorized")


def of(group: Group) -> dict[str, str]:
    """The words that a finding's texts take."""
    failure = group.failure
    first = failure.differences[0] if failure else None
    return {
        "refusals": count(group.refusals, "token refused", "tokens refused"),
        "text": short(group.text, 300),
        "expected": (first.expected or "(none)") if first else "",
        "actual": (first.actual or "(none)") if first else "",
        "parts": parts(failure) if failure else "",
    }


def parts(failure: Failure) -> str:
    """'host and hub'."""
    return some([_NAMES[part] for part in failure.parts], 6)


def other_parts(failure: Failure) -> list[str]:
    """A sentence for each part that differs beside the first."""
    return [
        f"Its {_NAMES[each.part]} differs too: {each.actual or '(none)'} instead of {each.expected or '(none)'}."
        for each in failure.differences[1:]
    ]


def origin(group: Group, scope: Scope) -> list[str]:
    """A sentence about the one address that nearly all come from; nothing when there are several."""
    address = next((fact.value for fact in scope.shared if fact.label == "address"), "")
    if not address:
        return []
    if group.of_servers == group.refusals:
        return [f"They come from {address} alone: one app server, which is set up unlike the others."]
    return [f"They come from {address} alone: one client, or several behind one network."]


def headline(question: Question, groups: Sequence[Group], findings: Sequence[Finding]) -> str:
    """The answer in one line: how many tokens were refused, since when, and in what they were wrong."""
    if not groups:
        return f"{findings[0].title}; no refused token was logged."
    top = groups[0]
    total = sum(group.refusals for group in groups)
    first, last = min(group.first for group in groups), max(group.last for group in groups)
    goes_on = f"from {moment(first)}, and still at the end of what is logged"
    when = goes_on if _goes_on(question, last) else during(first, last)
    if top.failure is not None:
        one = top.failure.differences[0]
        what = f"the audience differs in its {parts(top.failure)}"
        if one.part is Part.SAME:
            what = "the audience, although both read the same"
        elif one.part not in (Part.FORM, Part.MISSING):
            what += f" ({one.actual} instead of {one.expected})"
    else:
        what = f"\u201c{short(top.text, 120)}\u201d"
    why = f"{top.refusals:,} of them because " if len(groups) > 1 else ""
    why = f"; {why}{what}" if why else f": {what}"
    return f"{count(total, 'token was', 'tokens were')} refused {when}{why}."


def _goes_on(question: Question, last: datetime) -> bool:
    # Refusals alone can't show that they have stopped: it takes records of another family after them.
    others = (
        each.last for each in question.coverage if each.last and each.family.casefold() != AUTHORIZATION.casefold()
    )
    logged = max(others, default=question.command.window.end)
    return logged - last <= _STILL


def over_time(question: Question, group: Group, course: Course) -> Evidence:
    """Since when, and whether others got in before and meanwhile."""
    said = []
    if course.quiet >= _QUIET and course.before:
        said.append(
            f"In the {span_text(course.quiet)} of the window before the first refusal "
            f"{count(course.before, 'client connection')}{course.which} started and no token was refused: "
            "it began at that moment."
        )
    elif course.quiet < _QUIET:
        said.append("The first refusal is near the window's start: it may have begun earlier.")
    if group.of_servers < group.refusals:
        said.append(
            f"From the first refusal to the last {count(course.meanwhile, 'client connection')}{course.which} "
            + ("started all the same: not every token is bad." if course.meanwhile else "started.")
        )
    if not _goes_on(question, group.last):
        said.append(f"After the last one {count(course.after, 'client connection')}{course.which} started.")
    return Evidence("Over time", " ".join(said), step="course")


def facts(groups: Sequence[Group], course: Course | None) -> tuple[Fact, ...]:
    """The headline numbers."""
    if not groups:
        return ()
    total = sum(group.refusals for group in groups)
    servers = sum(group.of_servers for group in groups)
    found = [
        Fact("Refused", count(total, "token")),
        Fact("First", moment(min(group.first for group in groups))),
        Fact("Last", moment(max(group.last for group in groups))),
        Fact("Of app servers", f"{servers:,} ({percent(servers, total)}), of clients {total - servers:,}"),
    ]
    if top := groups[0].failure:
        found += [
            Fact("Expected audience", short(top.expected, 200) or "(none)"),
            Fact("Actual audience", short(top.actual, 200) or "(none)"),
            Fact("Differs in", parts(top)),
        ]
    if course is not None and total > servers:
        tries = total - servers + course.meanwhile
        found.append(Fact("Share refused", f"{percent(total - servers, tries)} of {tries:,} tries from first to last"))
    return tuple(found)


def rulings(
    question: Question, groups: Sequence[Group], aborts: Sequence[Finding], ceiling: Ceiling | None
) -> tuple[Ruling, ...]:
    """The causes that no record names. What an unknown text means rules nothing out."""
    if any(group.entry.code in UNKNOWN for group in groups):
        return ()
    named = {group.cause.code for group in groups if group.cause}
    named |= {"unauthorized"} if aborts else set()
    named |= {"token-expired"} if ceiling else set()
    total = sum(group.refusals for group in groups)
    looked = {
        "wrong-audience": (f"None of {count(total, 'refusal')} names an audience.", [AUTHORIZATION]),
        "token-expired": (
            f"None of {count(total, 'refusal')} names an expired token, and no age at which connections end was found.",
            [AUTHORIZATION, CONNECTION],
        ),
        "unauthorized": (
            f"None of {count(total, 'refusal')} is about a key, and no connection was closed as not authorized.",
            [AUTHORIZATION, CONNECTION],
        ),
    }
    return tuple(
        coverage.ruling(question, Family.AUTH, code, because, names)
        for code, (because, names) in looked.items()
        if code not in named
    )


def gaps(question: Question, groups: Sequence[Group]) -> tuple[Gap, ...]:
    """What these records cannot show about a refused token."""
    lacking = coverage.gap(question, AUTHORIZATION, "Which tokens were refused, and why")
    found = [lacking] if lacking else []
    if any(group.failure is None for group in groups):
        found.append(
            Gap(
                "Whether a key or a setting was changed",
                "Resource logs hold no change of the resource.",
                "The activity log of the resource: regeneratekey and write, in the hour before the first refusal.",
                Link("Rotate access keys", f"{_GUIDE}signalr-howto-key-rotation"),
            )
        )
    if any(group.of_servers < group.refusals for group in groups):
        found.append(
            Gap(
                "Which app server made the refused tokens",
                "A client's record has the client's address, not that of the server that answered its negotiate.",
                "The negotiate answers: decode their tokens on each app server, or call each one by itself.",
            )
        )
    found.append(forbidden())
    return tuple(found)


def forbidden() -> Gap:
    """403 never shows: what refuses it stands in front of the service."""
    return Gap(
        "Connections refused with 403",
        "Network rules stand in front of the service, so a request that they refuse leaves no record.",
        "Networking page of the resource (allowed request types, private endpoints), and the client's own log.",
        Link("Network access control", f"{_GUIDE}howto-network-access-control"),
    )


def next_steps(question: Question, groups: Sequence[Group], findings: Sequence[Finding]) -> tuple[NextStep, ...]:
    """Who is affected, and whether the app servers are connected."""
    shared = {fact.label: fact.value for finding in findings[:1] if finding.scope for fact in finding.scope.shared}
    found = []
    if user := shared.get("user"):
        found.append(onward.step("Follow that user", question, "user", user))
    if any(group.of_servers for group in groups):
        found.append(onward.step("Look at the app servers", question, "servers"))
    found.append(onward.step("Explain the drops", question, "drops"))
    found.append(onward.step("Check what the logs hold", question, "logs"))
    return tuple(found)


def notes(tables: Tables, groups: Sequence[Group], shown: int) -> tuple[str, ...]:
    """What was left out."""
    found = []
    if len(groups) > shown:
        rest = sum(group.refusals for group in groups[shown:])
        found.append(f"{count(len(groups) - shown, 'more kind')} of refusal, with {count(rest, 'refusal')}, not shown.")
    if len(tables["opening"].rows) >= _KEPT:
        found.append(f"Only the {_KEPT:,} most frequent texts were read; there may be more.")
    return tuple(found)


def nothing(question: Question) -> Conclusion:
    """No refused token was logged: no proof that none was refused, as the family itself is not to be seen."""
    connections = coverage.family(question, CONNECTION)
    lack = coverage.missing(question, CONNECTION)
    if connections is None:
        switch = "nor any Connection record, which comes with the same switch (ConnectivityLogs)"
    elif lack:
        switch = f"and the same switch (ConnectivityLogs) was not complete: {lack}"
    else:
        switch = f"while the same switch (ConnectivityLogs) brought {count(connections.rows, 'Connection record')}"
    gap = coverage.gap(question, AUTHORIZATION, "Whether tokens were refused, and why")
    return Conclusion(
        verdict=Verdict.NO_DATA,
        headline=f"No refused token was logged, {switch}.",
        facts=(Fact("Logged", coverage.held(question)),),
        gaps=(*((gap,) if gap else ()), forbidden(), _negotiate()),
        rulings=coverage.unknown(question, AUTHORIZATION, *((Family.AUTH, code) for code in _RULED)),
        next_steps=(
            onward.step("Check what the logs hold", question, "logs"),
            onward.step("Check the limits", question, "throttling"),
            *silence.wider(question),
        ),
        provisional_until=coverage.provisional(question),
    )


def _negotiate() -> Gap:
    return Gap(
        "401 from the app itself",
        "Whoever the app turns away when negotiating never asks the service.",
        "The app server's own log at negotiate.",
        Link(
            "401 for client requests",
            f"{_GUIDE}signalr-howto-troubleshoot-guide#401-unauthorized-returned-for-client-requests",
        ),
    )
