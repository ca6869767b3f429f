"""Recognised lines weighed together: which of them is the cause, which only follow from it."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta

from bot.explain.matching import Match
from bot.explain.templates import Entry, Role
from bot.model import Candidate, Cause, Confidence, Family

_TOGETHER = timedelta(minutes=1)
_SILENT = ("server-ping-timeout", "sdk-service-timeout")
_WEIGHT = {Confidence.HIGH: 50, Confidence.MEDIUM: 45, Confidence.LOW: 30}
_SYMPTOM, _CONSEQUENCE = 40, 20


@dataclass(slots=True)
class Group:
    """All lines of one entry, in the order in which they came; `inside` when it only stood in another line.

    `cause` is the entry's, None for general words that nothing ties to SignalR.
    """

    entry: Entry
    cause: Cause | None
    matches: list[Match] = field(default_factory=list)
    count: int = 0
    inside: bool = False
    explained: bool = False

    @property
    def weight(self) -> int:
        match self.entry.role:
            case Role.CAUSE:
                return _WEIGHT[self.cause.confidence] if self.cause else _SYMPTOM
            case Role.SYMPTOM:
                return _SYMPTOM
            case Role.CONSEQUENCE:
                return _CONSEQUENCE
        return 0


@dataclass(frozen=True, slots=True)
class Weighed:
    """What the lines say together. `root` is the line to speak of first, None when nothing was recognised.

    `cause` is None when the text cannot decide; then `candidates` are ranked. `reason` is a sentence on how several
    lines decided, empty when one line did. `groups` are in the order of their first line.
    """

    groups: Sequence[Group]
    root: Group | None
    cause: Cause | None
    candidates: tuple[Candidate, ...]
    reason: str = ""
    is_tied: bool = True


def weigh(lines: Iterable[Sequence[Match]], *, is_sure: bool = True) -> Weighed:
    """The lines' matches, weighed together; general words decide for a cause only when `is_sure`."""
    groups: dict[str, Group] = {}
    for matches in lines:
        for match in matches:
            _add(groups, match, inside=False, is_sure=is_sure)
    ordered = list(groups.values())
    for group in ordered:
        group.explained = group.explained or any(code in groups for code in group.entry.after)
    troubles = [group for group in ordered if group.entry.role is not Role.NORMAL]
    if not troubles:
        return Weighed(ordered, ordered[0] if ordered else None, None, ())
    # Lines that explain each other in a circle leave none: then all of them count.
    standing = [group for group in troubles if not group.explained] or troubles
    most = max(group.weight for group in standing)
    top = [group for group in standing if group.weight == most]
    if (silent := _silent(top)) is not None:
        cause, reason = silent
        return Weighed(ordered, top[0], cause, _ranked(top, cause), reason)
    causes = {(group.cause.family, group.cause.code) for group in top if group.cause}
    if len(causes) == 1 and all(group.cause for group in top):
        stated = top[0]
        return Weighed(ordered, stated, stated.cause, _ranked(top, stated.cause), _following(stated, ordered))
    if most == _SYMPTOM and len(causes) == 1:
        # A text that states a cause goes before texts that only allow several.
        stated = next(group for group in top if group.cause)
        return Weighed(ordered, stated, stated.cause, _ranked(top, stated.cause))
    return Weighed(ordered, top[0], None, _ranked(top, None), is_tied=is_sure or not top[0].entry.general)


def _add(groups: dict[str, Group], match: Match, *, inside: bool, is_sure: bool) -> None:
    entry = match.entry
    cause = entry.cause if is_sure or not entry.general else None
    group = groups.setdefault(entry.code, Group(entry, cause, inside=inside))
    group.count += 1
    if len(group.matches) < 500:
        group.matches.append(match)
    told = [inner for inner in match.inner if inner.entry.role is not Role.NORMAL]
    if told and (match.entry.detail or match.entry.role is not Role.CAUSE):
        group.explained = True
    for inner in match.inner:
        _add(groups, inner, inside=True, is_sure=is_sure)


def _silent(top: Sequence[Group]) -> tuple[Cause, str] | None:
    """What the addresses of several timed-out server connections say; None when they say nothing."""
    timed_out = [match for group in top if group.entry.code in _SILENT for match in group.matches]
    if len(timed_out) < 2 or len(top) > len(_SILENT):
        return None
    addresses = {address for match in timed_out if (address := match.record.fields.get("address", ""))}
    times = sorted(at for match in timed_out if (at := moment(match)) is not None)
    if len(addresses) == 1 and all(match.record.fields.get("address") for match in timed_out):
        cause = Cause(Family.APP, "app-server-starved", Confidence.MEDIUM)
        return cause, f"{len(timed_out)} server connections of one address timed out, and no other address did."
    if len(addresses) > 1 and len(times) == len(timed_out) and times[-1] - times[0] <= _TOGETHER:
        cause = Cause(Family.NET, "server-network", Confidence.MEDIUM)
        return cause, f"Server connections of {len(addresses)} addresses timed out within a minute."
    return None


def _ranked(top: Sequence[Group], cause: Cause | None) -> tuple[Candidate, ...]:
    """The candidates of the lines in `top`, those that several name early first; without what was decided for."""
    scores: dict[tuple[Family, str], float] = {}
    texts: dict[tuple[Family, str], Candidate] = {}
    for group in top:
        own = group.entry.candidates
        if cause is None and group.entry.cause is not None:
            stated = group.entry.cause
            why = f"A line says so: {group.entry.title.lower()}."
            needed = (
                "The times of both lines." if group.cause else "Which program wrote it, and which address it asked."
            )
            own = (Candidate(stated.family, stated.code, why, needed), *own)
        for place, candidate in enumerate(own):
            key = (candidate.family, candidate.code)
            scores[key] = scores.get(key, 0.0) + 1 / (place + 1)
            texts.setdefault(key, candidate)
    if cause is not None:
        texts.pop((cause.family, cause.code), None)
    return tuple(sorted(texts.values(), key=lambda each: -scores[(each.family, each.code)]))


def _following(root: Group, groups: Sequence[Group]) -> str:
    """How many lines follow from `root`; empty when it stands alone."""
    following = sum(group.count for group in groups if group.explained and not group.inside and group is not root)
    if not following:
        return ""
    return f"{following:,} other {'line follows' if following == 1 else 'lines follow'} from it and are not causes."


def moment(match: Match) -> datetime | None:
    """When the line was written, in UTC; None for a time without a date and a zone."""
    text = match.record.fields.get("time", "").strip().replace("UTC", "Z").replace(" Z", "Z")
    try:
        at = datetime.fromisoformat(text)
        # Years that no log can have come from a clock that was never set, or from someone's joke.
        return at.astimezone(UTC) if at.tzinfo is not None and 2000 <= at.year < 2200 else None
    except (ValueError, OverflowError):
        return None
