"""Clients without an app server: nobody connected for their hub, serverless mode, a mode that was switched."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from bot.interpret import Question, coverage
from bot.interpret.said import count, during, moment, percent
from bot.interpret.servers.clients import NO_SERVER, Clients, total
from bot.interpret.servers.episodes import Episode
from bot.interpret.servers.lines import Line, Loss
from bot.interpret.servers.words import served
from bot.knowledge import Knowledge
from bot.model import Confidence, Finding, Scope, Window

SWITCHED = "mode-switched"
# Where so many clients were to be expected, none at all is no chance.
EXPECTED = 10
# Clients that were on their way still come; after that it counts that none does.
SETTLED = timedelta(seconds=30)
# A serverless resource enters the mode with every client, but for records lost on the way.
NEARLY_ALL = 0.9


def without_servers(
    question: Question, losses: Sequence[Loss], lines: Sequence[Line], clients: Clients, table: Knowledge
) -> tuple[Finding, Confidence] | None:
    """The finding that clients met no app server: said by their own closes, or shown by what stopped."""
    refused = clients.closed({NO_SERVER})
    if refused:
        first, last = min(each.first for each in refused), max(each.last for each in refused)
        text = f"{count(total(refused), 'client connection')} closed {during(first, last)} because "
        made = table[NO_SERVER].finding({"none_left": text + "no app server was connected for their hub."})
        return replace(made, scope=Scope(total(refused), "client connections", first, last)), Confidence.HIGH
    for loss in reversed(losses):
        if not loss.whole or any(line.is_open(question.command.window.end) for line in lines):
            continue
        found = _stopped(question, loss, clients)
        if found:
            first, last, before = found
            text = (
                f"The last server connections known closed at {moment(loss.last)}, none opened since, and no client "
                f"started {during(first, last)}, where about {before:,.0f} were to be expected."
            )
            made = table[NO_SERVER].finding({"none_left": text})
            scope = Scope(len(loss.lines), "server connections", loss.first, last)
            sure = Confidence.MEDIUM if _goes_on(question, loss) else Confidence.LOW
            return replace(made, scope=scope, evidence=(served(clients, serverless=False),)), sure
        return None
    return None


def serverless(
    clients: Clients, lines: Sequence[Line], episodes: Sequence[Episode], table: Knowledge
) -> Finding | None:
    """What it means that clients entered serverless mode; None when none did."""
    entered = [each for each in clients.starts if each.serverless]
    number, started = clients.started(serverless=True), clients.started()
    switched = [each for each in episodes if each.code == SWITCHED]
    if not entered and not switched:
        return None
    text = "No client entered serverless mode."
    if entered:
        first, last = min(each.first for each in entered), max(each.last for each in entered)
        share = f" ({percent(min(number / started, 1.0))} of those that started)" if started else ""
        text = f"{count(number, 'client')} entered serverless mode {during(first, last)}{share}."
        scope = Scope(number, "client connections", first, last)
    if switched:
        first, last = min(each.first for each in switched), max(each.last for each in switched)
        scope = Scope(sum(len(each.lost) + total(each.hit) for each in switched), "connections", first, last)
        made = table[SWITCHED].finding({"when": during(first, last), "serverless": text})
    else:
        normal = not lines and number >= NEARLY_ALL * started
        made = table["serverless-mode" if normal else "serverless-entered"].finding({"serverless": text})
    return replace(made, scope=scope, evidence=(served(clients, serverless=True),))


def _goes_on(question: Question, loss: Loss) -> bool:
    """Whether Connection records were logged after it; if not, the log may have stopped at that very moment."""
    held = coverage.family(question, coverage.CONNECTION)
    return held is not None and held.last is not None and held.last > loss.last + SETTLED


def _stopped(question: Question, loss: Loss, clients: Clients) -> tuple[datetime, datetime, float] | None:
    """From when to when no client started after `loss`, and how many were to be expected."""
    window = question.command.window
    held = coverage.family(question, coverage.CONNECTION)
    first, last, before = loss.last + SETTLED, window.end, loss.first - window.start
    if last <= first or before <= timedelta(0) or held is None or held.last is None:
        return None
    # Without app servers nothing is logged; a log that went on and then fell silent is another matter.
    if held.last > first:
        last = min(held.last, last)
    if any(each.last > first for each in clients.starts if not each.serverless):
        return None
    expected = clients.started(Window(window.start, loss.first)) * ((last - first) / before)
    return (first, last, expected) if expected >= EXPECTED else None
