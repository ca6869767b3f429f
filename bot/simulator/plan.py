"""How big everything is: the quota, how many clients come, and how long they stay."""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime

from bot.simulator.clock import HOUR, MINUTE, SECOND
from bot.simulator.setting import Habits, Servers, Strays

CONNECTIONS_PER_UNIT = 1000
# Units of one Standard or Premium P1 instance. Source: "Scale an Azure SignalR Service instance".
_UNITS = (*range(1, 11), *range(20, 101, 10))
# How often somebody who closes a page opens the next one at once.
NEXT_PAGE_SHARE = 0.35
_USUAL_STAY = 1500 * SECOND
_FULLEST = 0.65
_LEAK_SHARE = 0.4
_FEWEST_CLIENTS = 150
_LONGEST_WARM_UP = 10 * MINUTE
# How busy each hour of the day is (UTC), in percent of the mean.
_DAY = (
    78,
    76,
    75,
    76,
    80,
    88,
    98,
    108,
    116,
    121,
    123,
    121,
    117,
    119,
    122,
    121,
    117,
    112,
    107,
    102,
    97,
    92,
    86,
    82,
)


@dataclass(frozen=True, slots=True)
class Plan:
    """Sizes that fit each other.

    `span`, `unlogged`, `warm_up` and `mean_stay` are in milliseconds; `already_there` clients come during the warm-up,
    `comers` over the whole of `unlogged` (what happens before the archive begins at `start`) and `span`; `headroom`
    is what a leak has to fill before the quota is reached. `busy_hour` is the hour of the day (UTC) that the archive's
    first hour is as busy as; None for its own.
    """

    start: datetime
    span: int
    quota: int
    already_there: int
    comers: int
    mean_stay: int
    headroom: int
    warm_up: int
    traced_rows: int
    users: int
    unlogged: int = 0
    busy_hour: int | None = None
    servers: Servers = field(default_factory=Servers)
    habits: Habits = field(default_factory=Habits)
    strays: Strays = field(default_factory=Strays)

    @property
    def total(self) -> int:
        """Everything that is simulated, in milliseconds."""
        return self.unlogged + self.span

    def arrivals(self, minute: int) -> int:
        """How many clients come in a minute of the total: exact shares of `comers`, busier by day."""
        minutes = self.total // MINUTE
        total = self._weight(minutes)
        before, after = self._weight(minute), self._weight(minute + 1)
        return self.comers * after // total - self.comers * before // total

    def _weight(self, minutes: int) -> int:
        """The busyness of the first `minutes` of the total, summed."""
        hours, rest = divmod(minutes, 60)
        days, extra = divmod(hours, 24)
        first = self.start.astimezone(UTC).hour if self.busy_hour is None else self.busy_hour
        first -= self.unlogged // HOUR
        whole = days * sum(_DAY) + sum(_DAY[(first + hour) % 24] for hour in range(extra))
        return whole * 60 + _DAY[(first + hours) % 24] * rest


def plan_for(connections: int, hours: int, start: datetime) -> Plan:
    """The sizes for about `connections` client connections in `hours`, from `start` (aware, a full hour)."""
    span = hours * HOUR
    usual = min(connections * _USUAL_STAY // span, connections // 4)
    units = next((units for units in _UNITS if units * CONNECTIONS_PER_UNIT >= usual), _UNITS[-1])
    quota = units * CONNECTIONS_PER_UNIT
    # A small archive must not drown in the connections of the leak that fills the quota.
    usual = max(min(usual, int(quota * _FULLEST)), quota - int(connections * _LEAK_SHARE), _FEWEST_CLIENTS)
    headroom = quota - usual
    everyone = connections - headroom
    pages = everyone - usual
    return Plan(
        start=start,
        span=span,
        quota=quota,
        already_there=usual,
        comers=max(int(pages * (1 - NEXT_PAGE_SHARE)), 0),
        mean_stay=usual * span // pages,
        headroom=headroom,
        warm_up=min(span // 20, _LONGEST_WARM_UP),
        traced_rows=connections * 2 // 5,
        users=min(max(everyone // 6, 120), 50_000),
    )
