"""Who else: the other connections that ended around the same moment, and what they share with this one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from bot import reasons
from bot.interpret.connection import Ending, Life, is_goodbye
from bot.interpret.said import count, percent
from bot.knowledge import Knowledge
from bot.model import Evidence, Row

SHARED = ("address", "network", "user", "hub", "transport", "region")
_WITH = {
    "address": "from the same address",
    "network": "from the same network",
    "user": "of the same user",
    "hub": "on the same hub",
    "transport": "over the same transport",
    "region": "in the same region",
}
# How many reasons the query returns.
ROWS = 200
# Below three others a shared address or hub is no pattern; from four in five on it is the rule.
FEW = 3
MOST = 0.8


@dataclass(frozen=True, slots=True)
class Peers:
    """Client connections closed for the same reason around it, this one left out.

    `shared` counts, for each of SHARED, those with the same value. `usual` is the share (0 to 1) of all client
    connections started in the window that have that value, None when nobody's start was logged. `others` counts
    those closed around it for other reasons, goodbyes left out.
    """

    total: int
    within_10_s: int
    shared: dict[str, int]
    usual: dict[str, float | None]
    others: int
    rows: tuple[tuple[object, ...], ...]

    def share(self, what: str) -> float:
        return self.shared[what] / self.total if self.total else 0.0

    @property
    def spread(self) -> bool:
        """Whether at least some of them come from another address."""
        return self.shared["address"] < self.total

    def is_marked_by(self, what: str) -> bool:
        """Whether nearly all of them share `what`, and it is not simply what nearly everyone has."""
        usual = self.usual.get(what)
        return self.total >= FEW and self.share(what) >= MOST and (usual is None or usual <= self.share(what) / 2)


def read(
    around: Sequence[Row], population: Sequence[Row], code: str, life: Life, ending: Ending, knowledge: Knowledge
) -> Peers:
    """The peers of a close explained by `code`, from the rows of the steps `around` and `population`.

    What `life` itself lacks (no user id, no address) is shared with nobody.
    """
    total = within = others = 0
    shared = dict.fromkeys(SHARED, 0)
    rows: list[tuple[object, ...]] = []
    for row in around:
        message = row["reason"] + ("Server reported error: " if row["reported_error"] else "")
        reason = reasons.read(message)
        goodbye = is_goodbye(row["OperationName"], reason)
        own = knowledge.explain(reason, "Client").code
        same = not goodbye and own == code and (own != "unknown-reason" or reason.key == ending.reason.key)
        label = "goodbye (no reason)" if goodbye else reason.text or "(none given)"
        rows.append((row["connections"], row["OperationName"], label, row["first_seen"], row["last_seen"]))
        if same:
            total += row["connections"]
            within += row["within_10_s"]
            for what in SHARED:
                shared[what] += row[f"same_{what}"] if getattr(life, what) else 0
        elif not goodbye:
            others += row["connections"]
    return Peers(
        total=total,
        within_10_s=within,
        shared=shared,
        usual=_usual(population),
        others=others,
        rows=tuple(rows),
    )


def evidence(peers: Peers, reach: str) -> Evidence:
    """What the peers share, as counts and shares, with the closes around it by reason."""
    if not peers.total:
        statement = f"No other client connection ended for this reason within {reach} of it."
    else:
        same = [_shared(peers, what) for what in SHARED if peers.shared[what]]
        statement = (
            f"{count(peers.total, 'other client connection')} ended for the same reason within {reach} of it, "
            f"{peers.within_10_s:,} within 10 seconds" + (f": {'; '.join(same)}." if same else ".")
        )
    if len(peers.rows) == ROWS:
        statement += f" More than {ROWS} different reasons were logged in that time; the rest are not counted."
    if peers.others:
        statement += f" {count(peers.others, 'other')} closed for other reasons in that time."
    return Evidence(
        title="Who else",
        statement=statement,
        columns=("Connections", "Event", "Reason", "Earliest (UTC)", "Latest (UTC)"),
        rows=peers.rows,
        total=len(peers.rows),
    )


def scope(peers: Peers, life: Life, hit_by_server: bool) -> str:
    """Who was hit, in a few words: one client, one network, one app server's clients, or many."""
    if not peers.total:
        return "" if hit_by_server else "no other client with it"
    others = count(peers.total, "other client")
    if hit_by_server:
        return f"{others} with it"
    for what in ("address", "network", "user"):
        if getattr(life, what) and peers.is_marked_by(what):
            part = "all" if peers.shared[what] == peers.total else f"{peers.shared[what]:,}"
            return f"{others} with it, {part} {_WITH[what]}"
    if life.address and peers.total >= FEW and peers.spread:
        return f"{others} with it, from several addresses"
    return f"{others} with it"


def _shared(peers: Peers, what: str) -> str:
    usual = peers.usual.get(what)
    among_all = "" if usual is None else f" ({percent(usual)} of all that started)"
    return f"{peers.shared[what]:,} of {peers.total:,} {_WITH[what]}{among_all}"


def _usual(population: Sequence[Row]) -> dict[str, float | None]:
    row = population[0] if population else None
    if row is None or not row["connections"]:
        return dict.fromkeys(SHARED, None)
    return {what: row[f"same_{what}"] / row["connections"] if f"same_{what}" in row else None for what in SHARED}
