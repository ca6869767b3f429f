"""A report as Markdown, read back with a CommonMark parser: log text stays text."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.token import Token

from bot.model import Link
from bot.render import markdown, wording
from tests.standins import reports

READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])


def _kinds(text: str) -> list[str]:
    """The kinds of everything but plain text that a reader finds, in order."""
    return [token.type for token in _every(READER.parse(text)) if token.type not in ("text", "text_special")]


def _every(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from _every(token.children or [])


def _shown(text: str) -> str:
    """What a reader shows of one paragraph."""
    return "".join(token.content for token in _every(READER.parse(text)) if token.type in ("text", "text_special"))


@settings(max_examples=200, deadline=None)
@given(st.text(alphabet="<>&!@#*_~`:|[]()\\-+=.1aé \n", min_size=1, max_size=80))
def test_inline_text_is_shown_exactly_and_is_nothing_but_text(text: str) -> None:
    written = markdown.inline(text)
    kinds = ["paragraph_open", "inline", "paragraph_close"] if wording.line(text) else []
    assert (_shown(written), _kinds(written)) == (wording.line(text), kinds)


def test_hostile_text_changes_no_structure_of_a_report() -> None:
    hostile, harmless = (markdown.report(reports.hostile_report(text)) for text in (reports.HOSTILE, "harmless"))
    assert _kinds(hostile) == _kinds(harmless)


@pytest.mark.parametrize(
    ("url", "written"),
    [
        pytest.param("https://example.com/a?b=(c)", "[T](<https://example.com/a?b=(c)>)", id="a web address is linked"),
        pytest.param("javascript:alert(1)", "T (javascript:alert(1))", id="another scheme is only shown"),
        pytest.param("https://example.com/a> <b", r"T (https://example.com/a\> \<b)", id="a broken one is only shown"),
    ],
)
def test_links(url: str, written: str) -> None:
    report = reports.finding_report()
    finding = replace(report.findings[0], links=(Link("T", url),))
    assert f"- {written}\n" in markdown.report(replace(report, findings=(finding,)))


def test_every_row_is_in_the_file() -> None:
    text = markdown.report(replace(reports.finding_report(), timeline=reports.timeline(10_000)))
    assert (text.count("| ConnectionConnected |"), text.count("| ConnectionAborted |")) == (5_000, 5_000)


def test_kql_with_fences_of_its_own_stays_in_one_block() -> None:
    report = reports.hostile_report("a\n````\nb")
    fences = [token.content for token in READER.parse(markdown.report(report)) if token.type == "fence"]
    assert fences == ["a\n````\nb\n"]
