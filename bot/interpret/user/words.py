"""What stands around a user's story: the last known state, facts, timeline, gaps, next questions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

from bot.interpret import OPENING, Question, coverage, onward
from bot.interpret.coverage import CONNECTION, MESSAGE
from bot.interpret.growth.seen import material_gaps
from bot.interpret.said import count, moment, short, some
from bot.interpret.user import stays as reading
from bot.interpret.user.stays import Stay
from bot.model import Evidence, Fact, Gap, NextStep, Row
from bot.times import span_text

# As many as the opening returns; more of one user are not read.
MOST_READ = 2000
SHOWN = 100
_ID = 60
KEEPS_MANY = 10


@dataclass(frozen=True, slots=True)
class Seen:
    """The user's connections, oldest first, what else was logged of them, and message rows (None: not answered)."""

    question: Question
    stays: tuple[Stay, ...]
    others: Sequence[Row]
    messages: Sequence[Row] | None

    @property
    def user(self) -> str:
        return str(self.question.command.arguments["user_id"])

    @property
    def open(self) -> tuple[Stay, ...]:
        return tuple(stay for stay in self.stays if stay.ending is None)

    @property
    def missing(self) -> str:
        gaps = material_gaps(self.question)
        return coverage.missing(self.question, CONNECTION, gaps[0]) if gaps else ""


def last_state(seen: Seen) -> str:
    """Where the user is as far as the logs show: connected since, gone since, or that it can't be told."""
    connected = [stay for stay in seen.stays if not stay.is_refused]
    if not connected:
        return "The user was not connected in this window."
    window_end = seen.question.command.window.end
    cut = next((gap for gap in material_gaps(seen.question) if gap.end >= window_end), None)
    until = moment(cut.start if cut else window_end)
    if seen.open:
        newest = seen.open[-1]
        since = moment(newest.opened_at or newest.first)
        word = "Connected" if cut is None else "Was connected"
        more = f" ({len(seen.open):,} connections are open)" if len(seen.open) > 1 else ""
        return f"{word} since {since}, as far as logged up to {until}{more}."
    gone = max(stay.ending.at for stay in connected if stay.ending)
    after = "" if cut is None else f", as far as logged up to {until}"
    return f"Not connected since {moment(gone)}{after}."


def timeline(seen: Seen) -> Evidence:
    """Every connection, oldest first: start, end, lifetime, how it ended, where."""
    rows = tuple(
        (
            stay.opened_at or "before the window",
            stay.ending.at if stay.ending else "no end logged",
            span_text(stay.lived) if stay.lived is not None else "",
            how(stay),
            stay.hub,
            stay.transport,
            stay.address,
            stay.connection_id,
        )
        for stay in seen.stays[-SHOWN:]
    )
    shown = f" The last {SHOWN} are shown." if len(seen.stays) > SHOWN else ""
    return Evidence(
        "Timeline",
        f"{count(len(seen.stays), 'connection')} of this user in the window.{shown}",
        ("Started (UTC)", "Ended (UTC)", "Lived", "How it ended", "Hub", "Transport", "Address", "Connection"),
        rows,
        len(seen.stays),
        OPENING,
    )


def how(stay: Stay) -> str:
    if stay.is_refused:
        return "refused: the connection limit was reached"
    if stay.ending is None:
        return ""
    return "goodbye" if stay.entry is None else short(stay.ending.reason.text or "(no reason given)", 120)


def connections(seen: Seen) -> Evidence:
    goodbyes = sum(1 for stay in seen.stays if stay.ending and stay.entry is None)
    return Evidence(
        "The connections",
        f"{count(len(seen.stays), 'connection')}: {goodbyes:,} ended with a goodbye, {len(seen.open):,} have no end.",
        step=OPENING,
    )


def facts(seen: Seen, state: str) -> tuple[Fact, ...]:
    most, since = reading.most_at_once(seen.stays)
    lives = sorted(stay.lived for stay in seen.stays if stay.lived is not None)
    found = [
        Fact("User", short(seen.user, _ID)),
        Fact("Last known state", state),
        Fact("Connections", _ended(seen)),
        Fact("Most at once", f"{most:,}" + (f", since {moment(since)}" if since and most > 1 else "")),
        Fact("Lifetime", f"{span_text(lives[0])} to {span_text(lives[-1])}" if lives else "not known"),
    ]
    for label, values in (
        ("Hubs", [stay.hub for stay in seen.stays]),
        ("Transports", [stay.transport for stay in seen.stays]),
        ("Addresses", [stay.address for stay in seen.stays]),
        ("Regions", [stay.region for stay in seen.stays]),
    ):
        counted = Counter(value for value in values if value)
        names = [f"{short(name, _ID)} ({number:,})" for name, number in counted.most_common()]
        found.append(Fact(label, some(names) or "not logged"))
    found.append(Fact("Messages", _messages(seen)))
    return tuple(found)


def _ended(seen: Seen) -> str:
    dropped = sum(1 for stay in seen.stays if stay.entry is not None and not stay.is_refused)
    goodbyes = sum(1 for stay in seen.stays if stay.ending and stay.entry is None)
    refused = sum(1 for stay in seen.stays if stay.is_refused)
    more = f", {refused:,} refused" if refused else ""
    open_ = f", {len(seen.open):,} without an end" if seen.open else ""
    return f"{len(seen.stays):,}, of these {goodbyes:,} ended with a goodbye, {dropped:,} dropped{more}{open_}"


def _messages(seen: Seen) -> str:
    if seen.messages is None:
        return "not checked: that query failed"
    if not seen.messages:
        return "none logged"
    of: Counter[str] = Counter()
    for row in seen.messages:
        of[row["direction"]] += row["messages"]
    warned = sum(row["records"] for row in seen.messages if row["warns"])
    text = ", ".join(f"{number:,} {direction}" for direction, number in sorted(of.items()))
    return text + (f"; {count(warned, 'record')} of level Warning or above" if warned else "")


def gaps(seen: Seen) -> tuple[Gap, ...]:
    found = [
        coverage.gap(seen.question, CONNECTION, "What happened while records are missing"),
        None
        if coverage.family(seen.question, MESSAGE)
        else coverage.gap(seen.question, MESSAGE, "Which messages this user sent and got"),
    ]
    if any(stay.opened_at is None and not stay.is_refused for stay in seen.stays):
        found.append(
            Gap("When the first ones began", "Their start lies before the window.", "A window that begins earlier.")
        )
    return tuple(gap for gap in found if gap)


def next_steps(seen: Seen) -> tuple[NextStep, ...]:
    dropped = [stay for stay in seen.stays if stay.entry is not None]
    found = []
    if dropped:
        last = dropped[-1].connection_id
        found.append(onward.step("Why the last one dropped", seen.question, "why-dropped", last))
        found.append(onward.step("Who else dropped", seen.question, "drops"))
    if any(row["Collection"].casefold() == "authorization" for row in seen.others):
        found.append(onward.step("Look at refused tokens", seen.question, "auth"))
    if any(row["Collection"].casefold() == "throttling" for row in seen.others):
        found.append(onward.step("Look at the limits", seen.question, "throttling"))
    if len(seen.open) >= KEEPS_MANY:
        found.append(onward.step("Look for a leak", seen.question, "growth"))
    return tuple(found)


def notes(seen: Seen) -> tuple[str, ...]:
    if len(seen.stays) < MOST_READ:
        return ()
    return (f"Only the last {MOST_READ:,} connections of this user were read; there may be more.",)
