"""Making a message fit: what Slack limits over a whole message, and what was left out for it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

from bot.render import elements as slack
from bot.render import wording
from bot.render.elements import Block

BLOCKS_MOST = 50
# No figure is documented for the sum of a message's text (`msg_blocks_too_long`): 9,597 characters in 15,561
# of JSON were accepted, 11,341 in 17,694 refused (slackapi/bolt-js issues 2867 and 2509).
TEXT_MOST = 9_000
JSON_MOST = 15_000
NOTICE_MOST = 900


@dataclass(frozen=True, slots=True)
class Message:
    """What one Slack message says: `blocks`, and the `text` that notifications and screen readers get.

    `left_out` says in whole phrases what the report holds and the message does not show.
    """

    blocks: list[Block]
    text: str
    left_out: tuple[str, ...] = ()


@dataclass(slots=True)
class Draft:
    """What had to be left out while a message was written.

    `totals` says how many parts of a name there are in all, so that the ones shown can be counted at the end.
    """

    left_out: list[str] = field(default_factory=list)
    totals: dict[str, int] = field(default_factory=dict)
    shortened: bool = False

    def fit(self, text: object, most: int, *, lines: bool = False) -> str:
        whole = wording.plain(text).strip() if lines else wording.line(text)
        kept = wording.cut(whole, most)
        self.shortened = self.shortened or kept != whole
        return kept if wording.visible(kept) else ""

    def count(self, what: str, shown: int, total: int) -> None:
        if shown < total:
            self.left_out.append(f"showing {shown:,} of {total:,} {what}")


def fitted(parts: Sequence[tuple[int, str, list[Block]]], ending: list[Block], draft: Draft, text: str) -> Message:
    """The parts in order, without as many of the least important ones as Slack's limits ask for."""
    kept = [part for part in parts if part[2]]
    dropped: list[str] = []
    while True:
        names = [name for _, name, _ in kept]
        counts = [(names.count(name), total, name) for name, total in draft.totals.items()]
        left_out = (
            *(f"showing {shown:,} of {total:,} {name}" for shown, total, name in counts if shown < total),
            *dict.fromkeys(draft.left_out),
            *(f"without {name}" for name in dict.fromkeys(dropped) if name not in draft.totals),
            *(["long texts are cut at “…”"] if draft.shortened else []),
        )
        body = [block for _, _, blocks in kept for block in blocks] + _notice(left_out)
        blocks = [*body, *ending]
        if _fits(body, blocks) or not any(rank for rank, _, _ in kept):
            return Message(blocks, text, left_out)
        last = max(range(len(kept)), key=lambda place: (kept[place][0], place))
        dropped.append(kept[last][1])
        del kept[last]


def _fits(body: list[Block], blocks: list[Block]) -> bool:
    length = len(json.dumps(body, ensure_ascii=False))
    return len(blocks) <= BLOCKS_MOST and sum(_texts(blocks)) <= TEXT_MOST and length <= JSON_MOST


def _texts(value: Any) -> Iterator[int]:
    match value:
        case dict():
            for key, inner in value.items():
                if key == "text" and isinstance(inner, str):
                    yield wording.size(inner)
                else:
                    yield from _texts(inner)
        case list():
            for inner in value:
                yield from _texts(inner)


def _notice(left_out: Sequence[str]) -> list[Block]:
    if not left_out:
        return []
    sentence = "; ".join(left_out)
    sentence = sentence[0].upper() + sentence[1:] + ". Full report has everything."
    return [slack.context(slack.plain(wording.cut(sentence, NOTICE_MOST)))]
