"""Server connections whose close record states why: a service reload, a limit, a mode that was switched."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot.interpret.said import short
from bot.interpret.servers.clients import Clients
from bot.interpret.servers.episodes import Episode
from bot.interpret.servers.lines import Line, Loss
from bot.interpret.servers.modes import SWITCHED
from bot.interpret.servers.words import finding
from bot.knowledge import Entry, Knowledge
from bot.model import Cause, Confidence, Finding, Window

RELOAD = "service-reload"
# Closes of one reason that are further apart than this are told apart.
APART = timedelta(minutes=30)


def read(lines: Sequence[Line], clients: Clients) -> tuple[Episode, ...]:
    """One episode for each stated reason and time; a switched mode shows in clients too."""
    of: defaultdict[str, list[Line]] = defaultdict(list)
    for line in lines:
        if line.states_its_cause:
            of[line.code].append(line)
    found = [_episode(code, run, clients) for code, mine in of.items() for run in _runs(mine)]
    if SWITCHED not in of and (bursts := clients.closed({SWITCHED})):
        first, last = min(each.first for each in bursts), max(each.last for each in bursts)
        found.append(Episode(SWITCHED, first, last, hit=tuple(bursts)))
    return tuple(found)


def findings(story: Sequence[Episode], table: Knowledge, reasons: Knowledge) -> list[tuple[Finding, Cause]]:
    """One finding for each stated reason; a switched mode is told with what the clients did (see modes)."""
    found: list[tuple[Finding, Cause]] = []
    for code in dict.fromkeys(each.code for each in story if is_stated(each)):
        mine = [each for each in story if each.code == code]
        reason = next((line.reason for each in mine for line in each.lost), "")
        if code == SWITCHED:
            continue
        if code == RELOAD:
            made = finding(mine, table, reason=short(reason, 200))
            found.append((made, Cause(made.cause, code, Confidence.HIGH)))
            continue
        entry = reasons[code]
        words = _words(entry, reason)
        made = finding(mine, table, "stated-close", **words)
        cause = Cause(entry.cause, code, entry.confidence or Confidence.LOW)
        found.append((replace(made, cause=entry.cause, severity=entry.severity), cause))
    return found


def is_stated(episode: Episode) -> bool:
    """Whether the episode's own records state its cause."""
    return episode.code == SWITCHED or any(line.states_its_cause for line in episode.lost)


def _episode(code: str, run: Sequence[Line], clients: Clients) -> Episode:
    times = [line.closed for line in run if line.closed]
    first, last = min(times), max(times)
    hit = tuple(clients.closed({code}, Window(first - APART, last + APART))) if code == SWITCHED else ()
    by: defaultdict[str, list[Line]] = defaultdict(list)
    for line in run:
        by[line.address].append(line)
    losses = tuple(Loss(address, tuple(mine), first, last, 0, ()) for address, mine in by.items())
    return Episode(code, first, last, losses, hit=hit)


def _runs(lines: Sequence[Line]) -> list[list[Line]]:
    found: list[list[Line]] = []
    for at, line in sorted(((line.closed, line) for line in lines if line.closed), key=lambda each: each[0]):
        last = found[-1][-1].closed if found else None
        if last is not None and at - last <= APART:
            found[-1].append(line)
        else:
            found.append([line])
    return found


def _words(entry: Entry, reason: str) -> dict[str, str]:
    filled = {"reason": short(reason, 200), "reported_error": "(no text)", "address": "", "hub": ""}
    return {
        "reason": short(reason, 200),
        "reason_title": entry.title.render(filled),
        "reason_fix": entry.fixes[0].render(filled),
    }
