"""What stands around growth's findings: facts, chart, what was looked for in vain, gaps, next questions."""

from __future__ import annotations

from bot.interpret import coverage, onward
from bot.interpret.coverage import CONNECTION, THROTTLING
from bot.interpret.growth import leak
from bot.interpret.growth.counts import STEPS
from bot.interpret.growth.leak import Kind
from bot.interpret.growth.proof import step_end
from bot.interpret.growth.seen import LIMIT, Seen
from bot.interpret.growth.verdict import CLIENT_LEAK, SERVER_LEAK, Decision
from bot.interpret.said import count, percent, period
from bot.model import Chart, Fact, Family, Gap, NextStep, Ruling, Series, Verdict


def facts(seen: Seen) -> tuple[Fact, ...]:
    """The headline numbers."""
    clients, servers = seen.clients, seen.servers
    opened, closed = sum(clients.opened), sum(clients.closed)
    known = clients.known[-1] + servers.known[-1]
    found = [
        Fact("Clients opened and closed", f"{opened:,} and {closed:,} (change {opened - closed:+,})"),
        Fact("Opened and not closed", f"{seen.left:,} ({percent(seen.left, opened)} of the opened)"),
        Fact("Users who hold them", _users(seen)),
        Fact(
            "Server connections",
            f"{sum(servers.opened):,} opened, {sum(servers.closed):,} closed (change {servers.change[-1]:+,})",
        ),
        Fact("Known to be open at the end", f"at least {known:,}, clients and servers together"),
    ]
    if quota := seen.question.command.arguments["quota"]:
        found.append(Fact("Against the limit", f"at least {percent(known, quota)} of {quota:,}"))
    if seen.limit:
        found.append(Fact("Limit reached", period(seen.limit.first, seen.limit.last)))
    return tuple(found)


def chart(seen: Seen) -> Chart:
    """Opened, closed and the change since the window began, a value for each of its 20 steps."""
    window = seen.question.command.window
    form = "%H:%M" if window.span.days < 1 else "%m-%d %H:%M"
    series = [
        Series("Opened", _numbers(seen.clients.opened)),
        Series("Closed", _numbers(seen.clients.closed)),
        Series("Change since start", _numbers(seen.clients.change)),
    ]
    if any(seen.servers.change):
        series.append(Series("Server connections", _numbers(seen.servers.change)))
    return Chart(
        "Client connections, step by step",
        "connections",
        tuple(f"{step_end(window, step):{form}}" for step in range(STEPS)),
        tuple(series),
    )


def rulings(seen: Seen, decided: Decision) -> tuple[Ruling, ...]:
    """The causes that were looked for and not found."""
    found = []
    question = seen.question
    named = {cause.code for cause in (decided.cause, *decided.further) if cause} | {
        candidate.code for candidate in decided.candidates
    }
    still, had_time = seen.clients.survival
    if CLIENT_LEAK not in named or seen.missing:
        because = (
            f"Of {had_time:,} client connections that had time to close {still:,} are open, and no user or address "
            f"opened {leak.MANY} or more at distant times without closing them."
        )
        found.append(coverage.ruling(question, Family.LEAK, CLIENT_LEAK, because, [CONNECTION]))
    if SERVER_LEAK not in named and (seen.ends_logged or not any(seen.servers.opened)):
        because = (
            f"Server connections changed by {seen.servers.change[-1]:+,}, and no address opened one after the other "
            "beyond what its hubs explain."
        )
        found.append(coverage.ruling(question, Family.LEAK, SERVER_LEAK, because, [CONNECTION]))
    if LIMIT not in named:
        because = "No record says that the connection limit was reached."
        found.append(coverage.ruling(question, Family.QUOTA, LIMIT, because, [CONNECTION, THROTTLING]))
    return tuple(found)


def gaps(seen: Seen) -> tuple[Gap, ...]:
    """What these logs cannot show about the growth."""
    question = seen.question
    found = [
        Gap(
            "How many connections were open before the window",
            "A connection that opened earlier and did not close in the window left no record in it.",
            "The ConnectionCount metric of the resource, or a window that begins earlier.",
        )
    ]
    if lack := coverage.gap(question, CONNECTION, "How the number changed while records are missing"):
        found.append(lack)
    if seen.left and seen.unnamed * 2 > seen.left:
        found.append(
            Gap(
                "Whose connections these are",
                f"{seen.unnamed:,} of {seen.left:,} that stay have no user id.",
                "Give each connection a user id when negotiating (a name identifier claim).",
            )
        )
    if not question.command.arguments["quota"] and not seen.limit:
        found.append(
            Gap(
                "How near the limit is",
                "No record states the tier and units.",
                "Ask again with --quota (units x 1,000; Free tier: 20), or see ConnectionQuotaUtilization.",
            )
        )
    return tuple(found)


def next_steps(seen: Seen, decided: Decision) -> tuple[NextStep, ...]:
    """Ready-made commands, the most useful first."""
    question = seen.question
    found = [
        onward.step("Look at this user", question, "user", each.who)
        for each in seen.suspects.leaks[:1]
        if each.kind is Kind.USER
    ]
    if seen.oldest:
        found.append(onward.step("Look at the oldest", question, "why-dropped", seen.oldest[0]["ConnectionId"]))
    if seen.limit:
        found.append(onward.step("Who was refused", question, "throttling"))
    if seen.server_leak or seen.servers.change[-1] > 0:
        found.append(onward.step("Look at the app servers", question, "servers"))
    if decided.verdict in (Verdict.UNDECIDED, Verdict.NO_DATA):
        found.append(onward.step("Check what the logs hold", question, "logs"))
    return tuple(found)


def _users(seen: Seen) -> str:
    unnamed = f", {seen.unnamed:,} without a user id" if seen.unnamed else ""
    if not seen.users:
        return f"no user id was logged{unnamed}" if seen.left else "nobody"
    named = seen.left - seen.unnamed
    return f"{count(seen.users, 'user')}, {named / seen.users:.1f} each{unnamed}"


def _numbers(values: tuple[int, ...]) -> tuple[float, ...]:
    return tuple(float(value) for value in values)
