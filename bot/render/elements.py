"""The pieces of a Slack message, as plain dicts: slack_sdk's models drop block types they do not know."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import Any

Block = dict[str, Any]

_MARKUP = re.compile("[:*_~`<>&@|]")


def rich(*parts: Block) -> list[Block]:
    """A rich_text block of the parts that say something; none when nothing does."""
    kept = [part for part in parts if part["elements"]]
    return [{"type": "rich_text", "elements": kept}] if kept else []


def section(*elements: Block) -> Block:
    return {"type": "rich_text_section", "elements": [each for each in elements if each.get("text", "-")]}


def items(sections: Sequence[Block], style: str = "bullet") -> Block:
    return {
        "type": "rich_text_list",
        "style": style,
        "elements": [each for each in sections if each["elements"]],
    }


def text(words: str, **style: bool) -> Block:
    return {"type": "text", "text": words} | ({"style": style} if style else {})


def code(words: str) -> Block:
    return text(words, code=True)


def emoji(name: str) -> Block:
    return {"type": "emoji", "name": name}


def link(title: str, url: str) -> Block:
    return {"type": "link", "url": url, "text": title}


def plain(words: str) -> Block:
    return {"type": "plain_text", "text": words, "emoji": False}


def header(words: str) -> Block:
    return {"type": "header", "text": plain(words)}


def context(*parts: Block) -> Block:
    return {"type": "context", "elements": list(parts)}


def button(label: str, action: str, value: str = "") -> Block:
    return {"type": "button", "action_id": action, "text": plain(label)} | ({"value": value} if value else {})


def looks_marked_up(words: str) -> bool:
    """Whether a reader of Block Kit less strict than Slack might see markup: 10:00:05 holds an emoji's name."""
    return _MARKUP.search(words) is not None


def cell(words: str) -> Block:
    """A table cell: rich_text where `words` might pass for markup, the much shorter raw_text elsewhere."""
    if looks_marked_up(words):
        return rich(section(text(words)))[0]
    return {"type": "raw_text", "text": words}
