"""The sentences about app servers: every count, time and address of an episode, as words."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import timedelta

from bot import times
from bot.interpret import OPENING
from bot.interpret.said import count, during, moment, short, some
from bot.interpret.servers.clients import REACH, Burst, Clients, total
from bot.interpret.servers.episodes import Episode
from bot.interpret.servers.lines import Line, by_address
from bot.knowledge import Knowledge
from bot.model import Evidence, Fact, Finding, Scope, Window

_ROWS = 20
_COLUMNS = ("Address", "Hub", "Opened (UTC)", "Closed (UTC)", "How it closed")


def finding(episodes: Sequence[Episode], table: Knowledge, code: str = "", /, **more: str) -> Finding:
    """What `episodes`, all of one code, come to; `more` are the words that only this code has."""
    first, last = min(each.first for each in episodes), max(each.last for each in episodes)
    lost = [line for each in episodes for line in each.lost]
    joined = [line for each in episodes for line in each.joined]
    addresses = list(dict.fromkeys(address for each in episodes for address in each.addresses))
    bursts = dict.fromkeys(burst for each in episodes for burst in each.hit)
    hit = total(bursts)
    words = {
        "addresses": some([short(address, 60) for address in addresses]),
        "first": moment(first),
        "when": during(first, last),
        "took": times.span_text(max(last - first, timedelta(seconds=1))),
        "lost": count(len(lost), "server connection"),
        "joined": count(len(joined), "server connection"),
        "clients": _hit(hit, lost),
        "back": _back(episodes),
        **more,
    }
    proof = [_lines("Server connections that closed", lost)] if lost else []
    proof += [_lines("Server connections that opened", joined)] if joined else []
    if hit:
        proof.append(_bursts(list(bursts)))
    made = table[code or episodes[0].code].finding(words, proof)
    size, unit = (hit, "client connections") if hit else (len(lost) or len(joined), "server connections")
    last = max([last, *(burst.last for burst in bursts)])
    first = min([first, *(line.closed for line in lost if line.closed), *(burst.first for burst in bursts)])
    return replace(made, scope=Scope(size, unit, first, last, _shared(lost or joined)))


def standing(lines: Sequence[Line], window: Window) -> str:
    """How many server connections are known to be open at the end, by address."""
    still = [line for line in lines if line.is_open(window.end)]
    if not still:
        return "None is known to be open at the end of the window."
    of = by_address(still)
    each = [f"{short(address, 60)} {len(mine)}" for address, mine in sorted(of.items(), key=lambda pair: -len(pair[1]))]
    since = [line.opened for line in still if line.opened]
    text = f"{count(len(still), 'server connection')} of {count(len(of), 'address', 'addresses')} known to be open"
    return f"{text} at {moment(window.end)} ({some(each)})" + (
        f", the oldest since {moment(min(since))}." if since else "."
    )


def facts(lines: Sequence[Line], clients: Clients, window: Window) -> tuple[Fact, ...]:
    """A few numbers about the window."""
    opened = sum(line.opened is not None and line.opened >= window.start for line in lines)
    closed = Counter("goodbye" if line.goodbye else line.reason for line in lines if line.closed)
    how = "; ".join(f"{number:,} {short(reason, 60)}" for reason, number in closed.most_common(3))
    still = [line for line in lines if line.is_open(window.end)]
    return (
        Fact("Known to be open at the end", f"at least {len(still):,}" + _by_hub(still)),
        Fact("Opened in the window", f"{opened:,}"),
        Fact("Closed in the window", f"{sum(closed.values()):,}" + (f" ({how})" if how else "")),
        Fact("Clients connected meanwhile", f"{clients.started():,}"),
    )


def timeline(episodes: Sequence[Episode]) -> Evidence | None:
    """What happened when, oldest first."""
    if not episodes:
        return None
    rows = [
        (each.first, short(some(each.addresses), 80), each.code.replace("-", " "), len(each.lost), len(each.joined),
         total(each.hit))
        for each in sorted(episodes, key=lambda episode: (episode.first, episode.code))
    ]  # fmt: skip
    return Evidence(
        title="What happened to the app servers",
        statement=f"{count(len(rows), 'event')} of server connections in the window.",
        columns=("Time (UTC)", "Addresses", "Event", "Closed", "Opened", "Clients hit"),
        rows=tuple(rows[-50:]),
        total=len(rows),
        step=OPENING,
    )


def served(clients: Clients, serverless: bool) -> Evidence:
    """The clients of each hub that started, or that entered serverless mode."""
    by = Counter[str]()
    for each in clients.starts:
        if each.serverless is serverless:
            by[each.hub or "(no hub)"] += each.count
    what = "entered serverless mode" if serverless else "started"
    return Evidence(
        title=f"Clients that {what}, by hub",
        statement=f"{count(by.total(), 'client connection')} {what} in the window.",
        columns=("Hub", "Connections"),
        rows=tuple(by.most_common(_ROWS)),
        total=len(by),
        step="clients",
    )


def _shared(lines: Sequence[Line]) -> tuple[Fact, ...]:
    found = []
    for label, values in (
        ("address", {line.address for line in lines}),
        ("hub", {line.hub for line in lines}),
        ("region", {line.region for line in lines}),
    ):
        if len(values) == 1 and (value := values.pop()):
            found.append(Fact(label, value))
    return tuple(found)


def _hit(hit: int, lost: Sequence[Line]) -> str:
    if hit:
        return f"{count(hit, 'client connection')} of the same hubs closed within {REACH.seconds} seconds of them."
    return "No client was closed for a lost server connection at these moments." if lost else ""


def _back(episodes: Sequence[Episode]) -> str:
    waits = [
        min(line.opened for line in loss.back if line.opened) - loss.first
        for each in episodes
        for loss in each.losses
        if loss.back
    ]
    gone = sum(not loss.back for each in episodes for loss in each.losses)
    if not waits:
        return (
            "No new connection of this address was logged after it." if gone == 1 else "None was logged to come back."
        )
    again = f"A new connection opened after {times.span_text(min(waits))}"
    return f"{again}{f' to {times.span_text(max(waits))}' if max(waits) > min(waits) else ''}."


def _lines(title: str, lines: Sequence[Line]) -> Evidence:
    rows = [
        (line.address, line.hub, line.opened, line.closed,
         "" if line.closed is None else "goodbye" if line.goodbye else line.reason)
        for line in lines
    ]  # fmt: skip
    hubs = some([short(hub, 40) or "(no hub)" for hub in sorted({line.hub for line in lines})])
    return Evidence(
        title=title,
        statement=f"{count(len(lines), 'server connection')} of {some(list(by_address(lines)))}, of {hubs}.",
        columns=_COLUMNS,
        rows=tuple(rows[:_ROWS]),
        total=len(rows),
        step=OPENING,
    )


def _bursts(bursts: Sequence[Burst]) -> Evidence:
    by = Counter[tuple[str, str]]()
    for burst in bursts:
        by[burst.hub, burst.code] += burst.count
    first, last = min(burst.first for burst in bursts), max(burst.last for burst in bursts)
    return Evidence(
        title="Clients that closed with them",
        statement=f"{count(by.total(), 'client connection')} {during(first, last)}. "
        "No record ties a client to its server connection: this is by hub and time.",
        columns=("Hub", "Reason", "Connections"),
        rows=tuple((hub, code.replace("-", " "), number) for (hub, code), number in by.most_common(_ROWS)),
        total=len(by),
        step="closes",
    )


def _by_hub(lines: Sequence[Line]) -> str:
    of = Counter(line.hub or "(no hub)" for line in lines)
    return f" ({some([f'{short(hub, 40)} {number}' for hub, number in of.most_common()])})" if of else ""
