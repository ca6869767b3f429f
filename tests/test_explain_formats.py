"""What a line is called does not depend on its ids, hosts, times, logger, punctuation or case."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.explain import explain
from bot.explain.lines import Record
from bot.explain.matching import matched
from bot.explain.templates import Entry, Template, shared
from bot.model import Report

NOW = datetime(2026, 11, 23, 12, tzinfo=UTC)
CATEGORY = "Microsoft.Azure.SignalR.ServiceConnection"
STAMP = "2026-11-23 10:00:00.123"
FORMATS: dict[str, Callable[[str], str]] = {
    "the message alone": lambda text: text,
    "the console's two lines": lambda text: f"info: {CATEGORY}[14]\n      {text}",
    "the console's single line": lambda text: f"{STAMP} warn: {CATEGORY}[4] {text}",
    "the JSON console": lambda text: json.dumps(
        {"EventId": 4, "LogLevel": "Warning", "Category": CATEGORY, "Message": text, "State": {"Message": text}}
    ),
    "Serilog's text": lambda text: f"[10:00:00 WRN] {text}",
    "Serilog's file": lambda text: f"{STAMP} +00:00 [ERR] {text}",
    "Serilog's compact JSON": lambda text: json.dumps(
        {"@t": "2026-11-23T10:00:00.1Z", "@m": text, "@l": "Warning", "SourceContext": CATEGORY}
    ),
    "log4net": lambda text: f"{STAMP.replace('.', ',')} [12] ERROR {CATEGORY} [(null)] - {text}",
    "NLog": lambda text: f"{STAMP}|4|WARN|{CATEGORY}|{text}",
    "pipes": lambda text: f"{STAMP} | Error | {CATEGORY} | {text}",
    "the trace source of ASP.NET": lambda text: f"Microsoft.Azure.SignalR Information: 0 : [{CATEGORY}]{text}",
    "a container's stream": lambda text: f"2026-11-23T10:00:00.634772560Z       {text}",
    "Kubernetes' stream": lambda text: f"2026-11-23T10:00:00.634772560Z stdout F {text}",
    "docker compose": lambda text: f"web-1  | {text}",
    "Android's log": lambda text: f"11-23 10:00:00.200  9870 10385 I ReactNativeJS: {text}",
    "an Application Insights row": lambda text: json.dumps(
        {"timestamp": "2026-11-23T10:00:00Z", "message": text, "severityLevel": 2,
         "customDimensions": json.dumps({"CategoryName": CATEGORY})}
    ),
    "a table with a header": lambda text: f'TimeGenerated,Level,Message\n2026-11-23T10:00:00Z,Warning,"{text}"',
    "copied fields": lambda text: f"Time: 2026-11-23T10:00:00Z\nLog Level: Warning\nMessage: {text}",
    "a resource log": lambda text: json.dumps(
        {"time": "2026-11-23T10:00:00Z", "category": "AllLogs", "properties": {"message": text, "userId": None}}
    ),
}  # fmt: skip
_HOLE = re.compile(r"\{(\w+)(\*?)\}")
TEMPLATES = [(entry, template) for entry in shared().entries.values() for template in entry.templates]


def _filled(template: Template, value: Callable[[str], str]) -> str:
    return _HOLE.sub(lambda hole: value(hole[1]), template.text)


def _named(entry: Entry) -> str:
    """A text of `entry`'s first template, its holes filled with something."""
    return _filled(entry.templates[0], lambda name: f"{name}-7")


def _broken(text: str) -> str:
    """`text` over two lines, as a narrow window shows it."""
    middle = text.find(" ", len(text) // 2)
    return f"{text[:middle]}\n{text[middle + 1 :]}" if middle > 0 else text


def label(report: Report) -> tuple[object, ...]:
    """What the report says the text is, without its ids and times."""
    return (report.verdict, report.cause, report.candidates, [finding.code for finding in report.findings])


@pytest.mark.parametrize("template", [pytest.param(pair, id=f"{pair[0].code}: {pair[1].text}") for pair in TEMPLATES])
def test_every_template_is_recognised_as_its_own(template: tuple[Entry, Template]) -> None:
    entry, known = template
    text = _filled(known, lambda name: f"{name}-7")
    if entry.connection:
        text = json.dumps({"message": text, "connectionType": entry.connection})
    assert entry.code in [finding.code for finding in explain(text, now=NOW).findings]


@pytest.mark.parametrize("form", FORMATS)
def test_a_logger_does_not_change_what_a_line_is_called(form: str) -> None:
    said = {
        entry.code: (label(explain(FORMATS[form](_named(entry)), now=NOW)), label(explain(_named(entry), now=NOW)))
        for entry in shared().entries.values()
    }
    assert {code: framed for code, (framed, bare) in said.items() if framed != bare} == {}


def test_a_line_in_two_is_called_what_it_is_called_in_one() -> None:
    said = {
        entry.code: (label(explain(_broken(_named(entry)), now=NOW)), label(explain(_named(entry), now=NOW)))
        for entry in shared().entries.values()
    }
    assert {code: two for code, (two, one) in said.items() if two != one} == {}


def test_lines_read_together_say_what_each_says_alone() -> None:
    lines = [
        Record(f"{stamp} {text}")
        for stamp in ("2026-11-23 10:00:00", "9:05:01 AM", "[10:00:07 ERR]")
        for text in (
            *(f"Sent a message {number} to client connection N-{number} successfully." for number in (1, 22, 404)),
            *(f"Unexpected response code: {status}" for status in (401, 404, 418, 429, 499)),
            *(f"WebSocket closed with status code: {code} (gone)" for code in (1000, 1006, 1011, 4711)),
            *(
                f"Failed to invoke 'Send{n}' due to an error on the server. Unexpected response code: {n}"
                for n in (403, 7)
            ),
            "Service connection 00000000-0000-0000-0000-000000000001 connected.",
            "Service connection abcababa-0000-0000-0000-0000000000cd connected.",
        )
    ]

    def said(found: Sequence[Record]) -> list[object]:
        return [[(hit.entry.code, hit.holes, hit.text) for hit in hits] for _, hits in matched(found, shared())]

    assert said(lines) == [each for line in lines for each in said([line])]


IDS = st.one_of(
    st.from_regex(r"[A-Za-z0-9_-]{1,40}", fullmatch=True),
    st.uuids().map(str),
    st.integers(0, 2**63).map(str),
    st.sampled_from(["null", "(null)", "{Template}", "{0}", "192.0.2.7", "[2001:db8::7]:443"]),
    st.sampled_from(["https://a.example.com(hub=ChatHub)", "[east](Primary)https://b.example.com;ClientEndpoint=x"]),
)
CASES = st.sampled_from([str, str.upper, str.lower, lambda text: f"{text}.", lambda text: text.rstrip("."),
                         lambda text: text.replace("'", '"'), lambda text: text.replace("'", ""),
                         lambda text: text.replace(" ", "  "), lambda text: f"  {text}!  "])  # fmt: skip


@settings(max_examples=400, deadline=None)
@given(
    template=st.sampled_from([pair for pair in TEMPLATES if not pair[0].detail and not pair[0].connection]),
    value=IDS,
    form=st.sampled_from([each for each in FORMATS if each != "a table with a header"]),
    change=CASES,
)
def test_ids_hosts_punctuation_and_case_do_not_change_what_a_line_is_called(
    template: tuple[Entry, Template], value: str, form: str, change: Callable[[str], str]
) -> None:
    usual = label(explain(_filled(template[1], lambda name: f"{name}-7"), now=NOW))
    changed = FORMATS[form](change(_filled(template[1], lambda _: value)))
    assert label(explain(changed, now=NOW)) == usual


@settings(max_examples=150, deadline=None)
@given(st.text(max_size=300))
def test_any_text_gets_an_answer_or_words_about_its_lack(text: str) -> None:
    if text.strip():
        assert explain(f"x{text}", now=NOW).query == "explain"
