"""The sentences, evidence and chart of a report about drops."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.interpret import Question
from bot.interpret.drops.episodes import AFTER, FOREIGN, UNEXPLAINED, Episode, Scene
from bot.interpret.drops.servers import Happening, What
from bot.interpret.drops.tally import GOODBYE, Drop, Ends
from bot.interpret.drops.waves import Mark
from bot.interpret.said import count, during, moment, percent, short, some
from bot.knowledge import Entry, Knowledge
from bot.model import Chart, Evidence, Fact, Finding, Scope, Series
from bot.times import span_text

_PLACES = {"address": "address", "network": "network", "user": "user", "hub": "hub", "transport": "transport",
           "region": "region"}  # fmt: skip
# What so many have is no news about a wave.
_EVERYBODY = 0.9
_ROWS, _NAMES, _POINTS, _KINDS = 6, 60, 20, 7


def finding(episode: Episode, scene: Scene, drops_table: Knowledge, reasons_table: Knowledge) -> Finding:
    """The episode in the words of its entry, with its scope and all that it rests on."""
    entry = entry_of(episode, drops_table, reasons_table)
    family = episode.cause.family if episode.cause else entry.cause
    found = entry.finding(_words(episode, scene), evidence(episode, scene), family)
    title = found.title
    if entry not in drops_table.entries:
        title = f"{title}: {_clients(episode, scene)}"
    return replace(found, title=title, severity=episode.severity, scope=_scope(episode))


def entry_of(episode: Episode, drops_table: Knowledge, reasons_table: Knowledge) -> Entry:
    """The entry that explains the episode: of drops where several records tell it, else of the reason itself."""
    own = next((entry for entry in drops_table.entries if entry.code == episode.code), None)
    return own or reasons_table[episode.code]


def name(episode: Episode, scene: Scene) -> str:
    """The episode in a few words, for the headline: what, when, how many."""
    clients, at = _clients(episode, scene), f"at {episode.first.astimezone(UTC):%H:%M:%S} UTC"
    where = some(episode.server.addresses, 2) if episode.server and any(episode.server.addresses) else "an app server"
    during = f"from {episode.first:%H:%M} to {episode.last:%H:%M} UTC"
    mark = next((each for each in episode.marking if each.what in ("address", "network")), None)
    texts = {
        What.CRASHED: f"app server {where} crashed {at}, {clients} with it",
        What.STARVED: f"app server {where} missed its pings {during}, {clients} with it",
        What.DEPLOYED: f"a deployment or restart of the app servers {at} dropped {clients}",
        What.SCALED_IN: f"app server {where} left for good {at}, {clients} with it",
        What.LONE: f"a server connection of {where} dropped {at}, {clients} with it",
        What.NETWORK: f"the app servers lost the network {at}, {clients} with it",
        "app-servers-gone": f"every known app server went away {at}, {clients} with them; why is open",
        FOREIGN: f"app server {short(episode.text, _NAMES)} joined one hub and its calls fail: {clients}",
        "client-network": f"{clients} behind one {mark.what if mark else 'network'} ({_value(mark)}) went silent {at}",
        "silent-together": f"{clients} went silent together {at}, from everywhere; why can't be told",
        "more-timeouts": f"{clients} went silent one by one, far more than usual",
        "app-server-closed": f"the app servers closed {clients} {at}, with no error reported",
        "token-expired": f"{clients} ended as their token expired",
        "service-reload": f"the service was reloading {at} and dropped {clients}",
        "hub-exception": f"errors of the hub's code closed {clients} from {episode.first:%H:%M:%S} UTC on",
        "unknown-reason": f"{clients} closed for an unknown reason, \u201c{short(episode.text, _NAMES)}\u201d",
        "no-reason": f"{clients} closed {at} without a reason",
    }
    return texts.get(episode.code) or f"{clients} dropped {at}: {episode.code.replace('-', ' ')}"


def _clients(episode: Episode, scene: Scene) -> str:
    about = "about " if scene.weight > 1 and episode.size else ""
    return about + count(episode.size, "client")


def _when(episode: Episode) -> str:
    return during(episode.first, episode.last)


def _value(mark: Mark | None) -> str:
    if mark is None:
        return "see what they share"
    return short(mark.value + "*" if mark.what == "network" else mark.value, _NAMES)


def _words(episode: Episode, scene: Scene) -> dict[str, str]:
    server = episode.server
    first = episode.drops[0] if episode.drops else None
    addresses = server.addresses if server else (episode.text,) if episode.code == FOREIGN else ()
    named = [short(each, _NAMES) for each in addresses if each]
    reason = episode.text or (server.lines[0].text if server else "") or (first.reason.text if first else "")
    errors = Counter(drop.reason.reported_error for drop in episode.drops if drop.reason.reported_error)
    when = moment(episode.joined) if episode.joined else _when(episode)
    return {
        "clients": _clients(episode, scene).replace("client", "client connection"),
        "lines": count(len(server.lines), "server connection") if server else "a server connection",
        "addresses": some(named) or "an app server that no record names",
        "when": when,
        "back": _back(server) if server else "",
        "others": _others(server) if server else "",
        "shared": _shared(episode),
        "reason": short(reason, 300) or "none given",
        "reported_error": short(errors.most_common(1)[0][0], 300) if errors else "(no text)",
        "address": first.address if first else "",
        "hub": short(first.hub, _NAMES) if first else "",
    }


def _back(server: Happening) -> str:
    told = []
    if server.back:
        at = min(server.back.values())
        told.append(f"New connections came from {some(list(server.back), 2)}, the first at {moment(at)}.")
    if server.fresh:
        told.append(
            f"{count(len(server.fresh), 'new address', 'new addresses')} joined around then: {some(server.fresh, 2)}."
        )
    return " ".join(told) or "No new connection from there was logged in the window."


def _others(server: Happening) -> str:
    return "Other app servers stayed connected. " if server.others else ""


def _shared(episode: Episode) -> str:
    said = []
    for mark in episode.marks:
        if mark.usual is not None and mark.usual >= _EVERYBODY:
            continue
        usual = "" if mark.usual is None else f" ({percent(mark.usual)} of the others do)"
        said.append(f"{mark.count:,} of {len(episode.drops):,} have {_PLACES[mark.what]} {_value(mark)}{usual}")
    return f"Shared: {'; '.join(said)}." if said else "They have nothing in common that sets them apart."


def _scope(episode: Episode) -> Scope | None:
    server = episode.server
    everyone = [mark for mark in episode.marks if mark.what == "hub" and mark.count == len(episode.drops)]
    known = [mark for mark in everyone if mark.usual is None or mark.usual < _EVERYBODY]
    shared = [Fact(_PLACES[mark.what].capitalize(), _value(mark)) for mark in dict.fromkeys([*episode.marking, *known])]
    if server and server.what is What.STATED:
        regions = {line.region for line in server.lines} | {drop.region for drop in episode.drops}
        shared = [Fact("Region", short(regions.pop(), _NAMES))] if len(regions) == 1 else []
    elif server and any(server.addresses):
        shared.insert(0, Fact("App server", some([short(each, _NAMES) for each in server.addresses if each])))
    if server and len({line.hub for line in server.lines}) == 1 and server.lines[0].hub and not known:
        shared.append(Fact("Server hub", short(server.lines[0].hub, _NAMES)))
    if episode.code == FOREIGN:
        shared.insert(0, Fact("App server", short(episode.text, _NAMES)))
    if server and not episode.drops:
        return Scope(len(server.lines), "server connections", episode.first, episode.last, tuple(shared))
    return Scope(episode.size, "client connections", episode.first, episode.last, tuple(shared))


def evidence(episode: Episode, scene: Scene) -> list[Evidence]:
    """What the episode rests on: its drops, the server connections it is tied to and how firmly, who came back."""
    found = []
    if episode.drops:
        found.append(_members(episode, scene))
    if episode.server:
        found.append(_lines(episode, episode.server))
    if episode.drops:
        found.append(returns(episode.drops))
    return found


def _members(episode: Episode, scene: Scene) -> Evidence:
    drops = episode.drops
    texts = Counter(drop.reason.text or "(none given)" for drop in drops)
    said = "; ".join(f"{number:,} \u201c{short(text, 90)}\u201d" for text, number in texts.most_common(3))
    lives = sorted(drop.lifetime for drop in drops if drop.lifetime is not None)
    lived = ""
    if lives:
        half = span_text(lives[len(lives) // 2])
        lived = f" Half of the {len(lives):,} whose start was logged had lived {half} or longer."
    looked = f"{count(len(drops), 'client connection')}" + (" looked at" if scene.weight > 1 else "")
    rows = tuple(
        (
            d.at,
            d.connection,
            short(d.reason.text, 90) or "(none given)",
            d.address,
            d.user,
            d.hub,
            d.transport,
            d.region,
        )
        for d in drops[:_ROWS]
    )
    return Evidence(
        "The clients that dropped",
        f"{looked} dropped {_when(episode)}: {said}. {_shared(episode)}{lived}",
        ("Closed (UTC)", "Connection", "Reason", "Address", "User", "Hub", "Transport", "Region"),
        rows,
        len(drops),
        "members",
    )


def _lines(episode: Episode, server: Happening) -> Evidence:
    rows = tuple(
        (line.ended, line.connection, line.address, line.hub, line.region, short(line.text, 90) or "(none given)")
        for line in server.lines[:_ROWS]
    )
    said = count(len(server.lines), "server connection")
    said += f" closed {during(server.first, server.last)}."
    if episode.drops:
        hubs = {line.hub.casefold() for line in server.lines}
        near = len(episode.drops) - episode.late
        same = sum(drop.hub.casefold() in hubs for drop in episode.drops if drop.hub)
        span = f"{AFTER.total_seconds():.0f} s"
        span = f"the minute before or {span}" if server.what is What.STATED else span
        said += (
            f" The tie to the clients is a correlation, no record holds an id for it: {near:,} of "
            f"{len(episode.drops):,} closed within {span} of one of these, {same:,} on a hub of theirs."
        )
    else:
        said += " No client that dropped is tied to them by time and hub."
    columns = ("Closed (UTC)", "Server connection", "Address", "Hub", "Region", "Reason")
    return Evidence("The server connections", said, columns, rows, len(server.lines), "servers")


def returns(drops: Sequence[Drop]) -> Evidence:
    """Who came back: by user, since a new connection has a new id."""
    named = [drop for drop in drops if drop.user]
    back = [drop for drop in named if drop.back is not None]
    if not named:
        return Evidence("Came back", "Can't be known: no user id was logged with them.", step="members")
    said = f"{len(back):,} of the {len(named):,} whose user is known connected again within 10 minutes"
    if back:
        waits = sorted(drop.back - drop.at for drop in back if drop.back)
        peak, at = _peak(back)
        said += f", half of them within {span_text(waits[len(waits) // 2])}"
        said += f"; at most {peak:,} in one second ({at:%H:%M:%S} UTC)"
    if unknown := len(drops) - len(named):
        said += f"; for {unknown:,} without a user id it can't be known"
    return Evidence("Came back", said + ".", step="members")


def _peak(back: Sequence[Drop]) -> tuple[int, datetime]:
    at, number = Counter(drop.back.replace(microsecond=0) for drop in back if drop.back).most_common(1)[0]
    return number, at


def by_reason(groups: Sequence[Ends], strays: Sequence[Drop]) -> Evidence:
    """All closes by side, and whether they are expected."""
    rows = tuple(
        (
            "Server" if each.is_server else "Client",
            "goodbye (no reason)" if each.code == GOODBYE else short(each.text, 90) or "(none given)",
            _expected(each),
            each.connections,
            each.first,
            each.last,
        )
        for each in groups
    )
    said = f"{count(sum(not g.is_server for g in groups), 'reason')} on client connections, "
    said += f"{sum(g.is_server for g in groups):,} on server connections."
    if strays:
        said += f" {count(len(strays), 'client')} dropped one by one, as happens on any day."
    return Evidence(
        "By reason", said, ("Side", "Reason", "Expected", "Connections", "First (UTC)", "Last (UTC)"), rows, len(rows),
        "opening",
    )  # fmt: skip


def _expected(each: Ends) -> str:
    if each.entry is None:
        return "yes"
    if each.code in UNEXPLAINED:
        return "unknown"
    return "yes" if each.entry.expected else "no"


def chart(question: Question, groups: Sequence[Ends]) -> Chart | None:
    """Drops over the window by kind; goodbyes are left out."""
    window = question.command.window
    dropped = [each for each in groups if each.code != GOODBYE]
    if not dropped:
        return None
    kinds: dict[str, Counter[int]] = {}
    for each in dropped:
        kind = each.code.replace("-", " ")
        side = "server: " if each.is_server and not kind.startswith("server") else ""
        kinds.setdefault(side + kind, Counter()).update(each.steps)
    ranked = sorted(kinds, key=lambda kind: (-kinds[kind].total(), kind))
    if len(ranked) > _KINDS:
        rest: Counter[int] = Counter()
        for kind in ranked[_KINDS:]:
            rest.update(kinds[kind])
        ranked, kinds = [*ranked[:_KINDS], "others"], {**kinds, "others": rest}
    step = window.span / _POINTS
    unit = f"connections in {span_text(timedelta(seconds=round(step.total_seconds())))}"
    shape = "%H:%M" if window.span.days < 1 else "%m-%d %H:%M"
    points = tuple(f"{window.start + number * step:{shape}}" for number in range(_POINTS))
    series = tuple(Series(kind, tuple(float(kinds[kind][n]) for n in range(_POINTS))) for kind in ranked)
    return Chart("Connections dropped, by kind", unit, points, series)
