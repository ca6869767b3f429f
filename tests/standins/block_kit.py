"""What Slack would refuse in a message: slack_sdk's models for lengths, and our own check for all they miss.

Sources: docs.slack.dev, reference/block-kit; npm @slack/types 3.2.0; slackapi/bolt-js issue 2867 for the sum of text.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping
from typing import Any

from slack_sdk.errors import SlackObjectFormationError
from slack_sdk.models.blocks import Block

IN_MESSAGES = {
    "actions", "context", "data_visualization", "divider", "header", "image", "markdown", "rich_text", "section",
    "table", "video",
}  # fmt: skip
# Block types younger than slack_sdk's models.
YOUNG = ("table", "data_visualization")
RICH = {"rich_text_section", "rich_text_list", "rich_text_preformatted", "rich_text_quote"}
PIECES = {"text": "text", "link": "url", "emoji": "name", "user": "user_id"}
TEXT_SUM, TABLE_SUM = 9_597, 10_000


def problems(message: Mapping[str, Any]) -> list[str]:
    """Sentences about what Slack would not take in this message; none when it would take all."""
    return [*_problems(message)]


def _problems(message: Mapping[str, Any]) -> Iterator[str]:
    blocks = message.get("blocks") or []
    if not message.get("text"):
        yield "no fallback text"
    elif _units(message["text"]) > 4_000:
        yield "a fallback text over 4,000"
    if len(blocks) > 50:
        yield f"{len(blocks)} blocks"
    if sum(block.get("type") == "table" for block in blocks) > 1:
        yield "two tables"
    if sum(block.get("type") == "data_visualization" for block in blocks) > 2:
        yield "three charts"
    if sum(_units(text) for text in _values(blocks, "text")) > TEXT_SUM:
        yield "too much text in all (msg_blocks_too_long)"
    if any(not text for text in _values(blocks, "text")):
        yield "an empty text"
    ids = Counter([block["block_id"] for block in blocks if "block_id" in block])
    if any(count > 1 for count in ids.values()):
        yield "a block_id twice"
    if any(_is_control(character) for text in _strings(message) for character in text):
        yield "a control character or lone surrogate"
    for block in blocks:
        if block.get("type") not in IN_MESSAGES:
            yield f"no block for a message: {block.get('type')}"
            continue
        yield from _block(block)


def _block(block: Mapping[str, Any]) -> Iterator[str]:
    if block["type"] not in YOUNG:
        try:
            parsed = Block.parse(dict(block))
            if parsed is None:
                yield f"slack_sdk does not know a {block['type']}"
            else:
                parsed.to_dict()
        except SlackObjectFormationError as error:
            yield f"{block['type']}: {error}"
    match block["type"]:
        case "table":
            yield from _table(block)
        case "data_visualization":
            yield from _chart(block)
        case "rich_text":
            yield from _rich(block)
        case "header":
            yield from _plain(block["text"], 150, "header")
        case "section":
            yield from (
                f"field over 2,000: {_units(each['text'])}"
                for each in block.get("fields", ())
                if _units(each["text"]) > 2_000
            )
        case "context":
            if not 1 <= len(block["elements"]) <= 10:
                yield f"{len(block['elements'])} context elements"
        case "actions":
            yield from _actions(block)


def _actions(block: Mapping[str, Any]) -> Iterator[str]:
    buttons = block["elements"]
    if not 1 <= len(buttons) <= 25:
        yield f"{len(buttons)} buttons in one block"
    if len({button["action_id"] for button in buttons}) != len(buttons):
        yield "an action_id twice in one block"
    for button in buttons:
        yield from _plain(button["text"], 75, "button")
        if _units(button.get("value", "-")) > 2_000 or not button.get("value", "-"):
            yield "a button's value is empty or over 2,000"
        if len(button.get("url", "")) > 3_000:
            yield "a button's URL over 3,000"


def _plain(text: Mapping[str, Any], most: int, where: str) -> Iterator[str]:
    if text["type"] != "plain_text":
        yield f"a {where} with {text['type']}"
    if not 1 <= _units(text["text"]) <= most:
        yield f"a {where} of {_units(text['text'])}"


def _table(block: Mapping[str, Any]) -> Iterator[str]:
    rows = block["rows"]
    if not 1 <= len(rows) <= 100:
        yield f"a table of {len(rows)} rows"
    if any(len(row) != len(rows[0]) or not 1 <= len(row) <= 20 for row in rows):
        yield "a table with uneven rows, or more than 20 columns"
    if sum(_units(text) for text in _values(rows, "text")) > TABLE_SUM:
        yield "a table of more than 10,000 characters"
    for row in rows:
        for cell in row:
            if cell["type"] == "rich_text":
                yield from _rich(cell)
            elif cell["type"] != "raw_text":
                yield f"a table cell of type {cell['type']}"


def _chart(block: Mapping[str, Any]) -> Iterator[str]:
    chart, axis = block["chart"], block["chart"]["axis_config"]
    categories, series = axis["categories"], chart["series"]
    names = [each["name"] for each in series]
    if not 1 <= _units(block["title"]) <= 50 or _units(axis["y_label"]) > 50:
        yield "a chart's title or axis over 50"
    if chart["type"] not in ("bar", "line", "area") or not 1 <= len(series) <= 6 or not 1 <= len(categories) <= 20:
        yield f"a {chart['type']} chart of {len(series)} series and {len(categories)} points"
    if any(not 1 <= _units(label) <= 20 for label in (*names, *categories)):
        yield "a chart's label over 20, or empty"
    if len({*names}) < len(names) or len({*categories}) < len(categories):
        yield "a chart's label twice"
    if any([point["label"] for point in each["data"]] != categories for each in series):
        yield "a series whose labels are not the categories"


def _rich(block: Mapping[str, Any]) -> Iterator[str]:
    if not block["elements"]:
        yield "an empty rich_text"
    for part in block["elements"]:
        if part["type"] not in RICH:
            yield f"no part of rich_text: {part['type']}"
            continue
        pieces = part["elements"]
        if part["type"] == "rich_text_list":
            if any(item["type"] != "rich_text_section" for item in pieces):
                yield "a list item that is no section"
            pieces = [piece for item in pieces for piece in item["elements"]] if pieces else []
        if not pieces:
            yield f"an empty {part['type']}"
        for piece in pieces:
            if not piece.get(PIECES.get(piece["type"], ""), ""):
                yield f"a rich_text piece that is unknown or empty: {piece}"


def _values(value: Any, key: str) -> Iterator[str]:
    match value:
        case dict():
            for name, inner in value.items():
                if name == key and isinstance(inner, str):
                    yield inner
                else:
                    yield from _values(inner, key)
        case list():
            for inner in value:
                yield from _values(inner, key)


def _strings(value: Any) -> Iterator[str]:
    match value:
        case str():
            yield value
        case dict():
            for inner in value.values():
                yield from _strings(inner)
        case list():
            for inner in value:
                yield from _strings(inner)


def _units(text: str) -> int:
    return len(text) + sum(character > "\uffff" for character in text)


def _is_control(character: str) -> bool:
    code = ord(character)
    return (code < 0x20 and character not in "\n\t") or 0x7F <= code <= 0x9F or 0xD800 <= code <= 0xDFFF
