"""The sentences around a race: the pairs, what was compared, what can't be known."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

from bot.interpret import Question, coverage, onward
from bot.interpret.coverage import LOGS, MESSAGE
from bot.interpret.group_race.race import REACH, Race, joins
from bot.interpret.said import count, percent, short, some
from bot.model import Evidence, Fact, Finding, Gap, NextStep, Row, Scope

_SHOWN = 10


def finding(found: Finding, rows: Sequence[Row], number: int = 0) -> Finding:
    """`found` with how many joins, when, and the hub or group that most share."""
    shared = []
    for label, column in (("hub", "HubName"), ("group", "GroupName")):
        ((value, times),) = Counter(pair[column] for pair in rows).most_common(1)
        if value and times >= 0.8 * len(rows):
            shared.append(Fact(label, value))
    first, last = min(pair["sent_at"] for pair in rows), max(pair["joined_at"] for pair in rows)
    return replace(found, scope=Scope(number or joins(rows), "joins", first, last, tuple(shared)))


def pairs(title: str, rows: Sequence[Row]) -> Evidence:
    """The first pairs, as evidence."""
    return Evidence(
        title,
        f"{count(len(rows), 'pair')} of a message and a join to the same group, the longest margin first.",
        ("Sent (UTC)", "Joined (UTC)", "Margin", "Group", "Message", "Join", "Made first"),
        tuple(
            (
                pair["sent_at"], pair["joined_at"], f"{pair['lead']}s" if pair["lead"] else "same second",
                short(pair["GroupName"], 60), str(pair["send_id"]), str(pair["join_id"]),
                "join" if pair["inverted"] else "message or not known",
            )
            for pair in rows[:_SHOWN]
        ),
        len(rows),
        "pairs",
    )  # fmt: skip


def margin(rows: Sequence[Row]) -> str:
    """By how much, in whole seconds: '1 s', '1 to 3 s'."""
    leads = sorted(pair["lead"] for pair in rows)
    return f"{leads[0]} s" if leads[0] == leads[-1] else f"{leads[0]} to {leads[-1]} s"


def of_groups(rows: Sequence[Row]) -> str:
    """' (group a)', ' (groups a, b and 3 more)'."""
    groups = [short(name, 60) for name, _ in Counter(pair["GroupName"] for pair in rows).most_common()]
    return f" ({'group' if len(groups) == 1 else 'groups'} {some(groups)})"


def luck(expected: float) -> str:
    """An expected number for people."""
    return "none" if expected == 0 else "fewer than one" if expected < 1 else f"about {expected:,.0f}"


def compared(totals: Row, race: Race) -> str:
    """What was compared, in a sentence or two."""
    return (
        f"{count(totals['joins'], 'join')} and {count(totals['sends'], 'message')} to "
        f"{count(totals['groups'], 'group')}. {race.beaten_joins:,} joins arrived after a message that was made after "
        f"them; {len(race.early):,} other pairs are within {REACH} s with nobody connecting in between "
        f"({luck(race.early_by_luck)} by chance); {len(race.ties):,} are in the same second "
        f"({luck(race.ties_by_luck)} by chance)."
    )


def only_luck(race: Race) -> str:
    """What is said of pairs that chance explains; empty when there are none."""
    return f"; {count(len(race.early), 'pair')} within {REACH} s are no more than chance" if race.early else ""


def facts(totals: Row, race: Race) -> tuple[Fact, ...]:
    """The headline numbers."""
    return (
        Fact("Joins", f"{totals['joins']:,}"),
        Fact("Messages to groups", f"{totals['sends']:,}"),
        Fact("Groups", f"{totals['groups']:,}"),
        Fact("Joins overtaken", f"{race.beaten_joins:,} ({percent(race.beaten_joins, totals['joins'])})"),
        Fact("Same second", f"{count(len(race.ties), 'pair')}, which the clock can't order"),
    )


def gaps(question: Question, totals: Row) -> tuple[Gap, ...]:
    """What these logs can't show about joins."""
    found = [gap] if (gap := coverage.gap(question, MESSAGE, "Joins and messages in that time")) else []
    found.append(
        Gap(
            "Which client a join is for",
            "A join's record names the app server's connection; which client joined follows from time alone.",
            "The app server's log (category Microsoft.Azure.SignalR, level Information): it names both.",
            LOGS,
        )
    )
    unnamed = totals["joins"] + totals["sends"] - totals["joins_named"] - totals["sends_named"]
    if unnamed > 0:
        found.append(
            Gap(
                f"The groups of {count(unnamed, 'record')}",
                "Their records name no group, so they could not be compared.",
                "The app server's log.",
            )
        )
    return tuple(found)


def next_steps(question: Question, race: Race) -> tuple[NextStep, ...]:
    """Ready-made commands, the most useful first."""
    shown = race.beaten or race.early or race.ties
    found = [onward.step("Trace the message", question, "trace", str(pair["send_id"])) for pair in shown[:1]]
    found += [onward.step("Trace the join", question, "trace", str(pair["join_id"])) for pair in shown[:1]]
    found.append(onward.step("Check for lost messages", question, "messages"))
    return tuple(found)
