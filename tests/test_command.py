"""The grammar that Slack, the prompt and the command line share."""

from __future__ import annotations

import shlex
from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.command import Command, HelpRequest, Parameter, Verb, VersionRequest, needs_zone, parse
from bot.errors import UsageError
from bot.kql import clean
from bot.model import Window
from bot.options import take
from bot.words import shell

NOW = datetime(2026, 11, 23, 12, 0, 0, 250_000, tzinfo=UTC)
BERLIN = ZoneInfo("Europe/Berlin")
EXAMPLE = "why-dropped Ab3dE_f-9 2h"
VERBS = {
    "why-dropped": Verb(
        "why-dropped",
        "Why a connection dropped",
        (
            Parameter("connection_id", "string", "the connection", required=True, positional=True),
            Parameter("around", "timespan", "how near", timedelta(minutes=5)),
            Parameter("share", "real", "how many", 0.5),
            Parameter("min_drops", "long", "hide fewer", 1),
            Parameter("all", "bool", "every record", False),
            Parameter("before", "datetime", "only earlier ones"),
            Parameter("user", "string", "of this user", ""),
        ),
        timedelta(hours=24),
        EXAMPLE,
    ),
    "errors": Verb(
        "errors",
        "What went wrong",
        (Parameter("hub", "string", "the hub", "", positional=True),),
        timedelta(hours=2),
        "errors chat 1h",
    ),
}
DAY = "--from 2026-11-22T12:00:00Z --to 2026-11-23T12:00:00Z"
HOUR = "--from 2026-11-23T11:00:00Z --to 2026-11-23T12:00:00Z"


def read(line: str | list[str]) -> str | HelpRequest | VersionRequest:
    answer = parse(line, VERBS, NOW, BERLIN)
    return answer.line if isinstance(answer, Command) else answer


@pytest.mark.parametrize(
    ("line", "canonical"),
    [
        pytest.param("why-dropped abc", f"why-dropped abc {DAY}", id="without a window it is the usual one"),
        pytest.param("/signalr WHY_dropped abc 1h", f"why-dropped abc {HOUR}", id="slash and spelling"),
        pytest.param("signalr-bot why-dropped abc 1h.", f"why-dropped abc {HOUR}", id="a full stop ends prose"),
        pytest.param("why-dropped 1h abc", f"why-dropped abc {HOUR}", id="a window may come before the id"),
        pytest.param("why-dropped 2h", f'why-dropped "2h" {DAY}', id="a length alone is the id"),
        pytest.param("why-dropped 2h 1h", f'why-dropped "2h" {HOUR}', id="of two lengths the first is the id"),
        pytest.param("why-dropped abc 60 min.", f"why-dropped abc {HOUR}", id="a length of two words"),
        pytest.param("why-dropped 0 h 60 minutes abc", f"why-dropped abc {HOUR}", id="a length of four words"),
        pytest.param("why-dropped abc; 1h", f"why-dropped abc {HOUR}", id="a semicolon ends no id"),
        pytest.param("why-dropped -aB3", f'why-dropped "-aB3" {DAY}', id="an id may start with a dash"),
        pytest.param("why-dropped --aB3 1h", f'why-dropped "--aB3" {HOUR}', id="or with two"),
        pytest.param("why-dropped 1h -- --from", f'why-dropped "--from" {HOUR}', id="or be an option's name"),
        pytest.param('why-dropped "help"', f'why-dropped "help" {DAY}', id="a quoted help is an id"),
        pytest.param("why-dropped abc --since 60m", f"why-dropped abc {HOUR}", id="since a length"),
        pytest.param("why-dropped abc --since 1h ago", f"why-dropped abc {HOUR}", id="since some time ago"),
        pytest.param("why-dropped abc --since=12:00", f"why-dropped abc {HOUR}", id="since a local time"),
        pytest.param("why-dropped abc --at 12:30", f"why-dropped abc {HOUR}", id="around a time"),
        pytest.param("why-dropped --at 12:30 abc", f"why-dropped abc {HOUR}", id="an id after a time"),
        pytest.param("why-dropped abc --from 12:00 1h", f"why-dropped abc {HOUR}", id="from with a length"),
        pytest.param("why-dropped abc --to now 1h", f"why-dropped abc {HOUR}", id="to with a length"),
        pytest.param("why-dropped abc --to 13:00", f"why-dropped abc {DAY}", id="to with the usual length"),
        pytest.param(
            "why-dropped abc --from yesterday 14:05 --to 'today 9:00'",
            "why-dropped abc --from 2026-11-22T13:05:00Z --to 2026-11-23T08:00:00Z",
            id="two words are one time",
        ),
        pytest.param(
            "why-dropped abc --at yesterday",
            "why-dropped abc --from 2026-11-21T23:00:00Z --to 2026-11-22T23:00:00Z",
            id="a day is all of it",
        ),
        pytest.param(
            "why-dropped abc --at 2026-11-20T10:00:00.5+05:30 10s",
            "why-dropped abc --from 2026-11-20T04:29:55.500000Z --to 2026-11-20T04:30:05.500000Z",
            id="an offset and a fraction",
        ),
        pytest.param(
            "why-dropped abc 1h --around 90s --no-all --min-drops=-2 --share 0.25 --user ''"
            " --before 2026-11-01 --resource chat-prod",
            'why-dropped abc --around=1m30s --share=0.25 --min-drops="-2" --before=2026-10-31T23:00:00Z'
            f" {HOUR} --resource=chat-prod",
            id="every type of option",
        ),
        pytest.param("why-dropped abc --all 1h", f"why-dropped abc --all=true {HOUR}", id="a switch"),
        pytest.param("why-dropped --connection_id abc 1h", f"why-dropped abc {HOUR}", id="an id by name"),
        pytest.param("errors 1h", f"errors {HOUR}", id="a length goes before an optional word"),
        pytest.param("errors chat 1h", f"errors chat {HOUR}", id="an optional word"),
        pytest.param(
            ["why-dropped", "&lt;a b`", "1h"],
            f'why-dropped "&amp;lt;a b`" {HOUR}',
            id="argv is taken as it is",
        ),
        pytest.param("", HelpRequest(), id="nothing asks for help"),
        pytest.param("/signalr ?", HelpRequest(), id="a question mark asks for help"),
        pytest.param("help why_dropped", HelpRequest("why-dropped"), id="help on a subcommand"),
        pytest.param("why-dropped help", HelpRequest("why-dropped"), id="help after a subcommand"),
        pytest.param("why-dropped abc 1h --help", HelpRequest("why-dropped"), id="help as an option"),
        pytest.param("--version", VersionRequest(), id="the version"),
    ],
)
def test_a_line_asks_for(line: str | list[str], canonical: Any) -> None:
    assert read(line) == canonical


def test_a_command_holds_typed_values() -> None:
    assert parse("why-dropped abc 1h --all --around 2m --resource chat", VERBS, NOW, BERLIN) == Command(
        "why-dropped",
        {
            "connection_id": "abc",
            "around": timedelta(minutes=2),
            "share": 0.5,
            "min_drops": 1,
            "all": True,
            "before": None,
            "user": "",
        },
        Window.ending(NOW.replace(microsecond=0), timedelta(hours=1)),
        window_given=True,
        resource="chat",
    )


@pytest.mark.parametrize(
    ("line", "message", "suggestions"),
    [
        ("why-droped abc", "There is no subcommand “why-droped”.", ("why-dropped abc",)),
        ("why dropped abc", "There is no subcommand “why”.", ("why-dropped abc", EXAMPLE)),
        ("drop", "There is no subcommand “drop”.", (EXAMPLE,)),
        ("aB3dE_f-9xyz", "There is no subcommand “aB3dE_f-9xyz”.", ("why-dropped aB3dE_f-9xyz",)),
        ("why-dropped", "why-dropped needs a connection id.", ()),
        ("why-dropped ''", "The connection id is empty.", ()),
        ("why-dropped a b", "why-dropped takes a connection id; I can't place “b”.", ()),
        ("why-dropped a --bogus", "why-dropped has no option “--bogus”.", ()),
        (
            "why-dropped a --form 10:00",
            "why-dropped has no option “--form”. Did you mean --from?",
            ("why-dropped a --from 10:00",),
        ),
        ("why-dropped a --from", "--from needs a value.", ()),
        ("why-dropped a --user --all", "--user needs a value.", ()),
        ("why-dropped a --user b --user c", "--user is given twice.", ()),
        ("why-dropped a --min-drops x", "--min-drops takes a whole number, not “x”.", ()),
        (
            "why-dropped a --min-drops 9223372036854775808",
            "--min-drops takes a whole number, not “9223372036854775808”.",
            (),
        ),
        ("why-dropped a --share nan", "--share takes a number, not “nan”.", ()),
        ("why-dropped a --all=maybe", "--all takes true or false, not “maybe”.", ()),
        (
            "why-dropped a --around soon",
            "--around takes a length of time like 90m, 2h or 7d, not “soon”.",
            (),
        ),
        ("why-dropped a 0h", "A window's length cannot be zero: “0h”.", ()),
        ("why-dropped a -2h", "A window's length cannot be negative: “-2h”.", ("why-dropped a 2h",)),
        ("why-dropped a 32d", "“32d” is longer than 31 days, the most I look at in one go.", ()),
        (
            "why-dropped a 9999999999999h",
            "“9999999999999h” is longer than 31 days, the most I look at in one go.",
            (),
        ),
        ("why-dropped a 1h 2h", "There are two lengths of time: choose one window.", ()),
        ("why-dropped a 1h --since 2h", "--since and 1h cannot go together: choose one window.", ()),
        ("why-dropped a --since 1h --at 9:00", "--since and --at cannot go together: choose one window.", ()),
        (
            "why-dropped a --from 12:00 --to 10:00",
            "The window's start, 2026-11-23T11:00:00Z, is not before its end, 2026-11-23T09:00:00Z.",
            (),
        ),
        (
            "why-dropped a --from 2026-12-01",
            "The window starts in the future: 2026-11-30T23:00:00Z; it is now 2026-11-23T12:00:00Z.",
            (),
        ),
        (
            "why-dropped a --from 2026-01-01",
            "That window is longer than 31 days, the most I look at in one go.",
            (),
        ),
        ("why-dropped a --at 25:00", "“25:00” is not on the calendar or the clock.", ()),
        ("why-dropped a --at noonish", "“noonish” is not a time I can read.", ()),
        (
            "why-dropped a --from 0001-01-01T00:10Z --to 0001-01-02T00:00Z",
            "That is further back than any log goes: the first year is 1970.",
            (),
        ),
        ("why-dropped a --help=x", "--help takes no value.", ("why-dropped a --help",)),
        ("why-dropped a -h=x", "--help takes no value.", ("why-dropped a --help",)),
        (
            "why-dropped a --hepl=me",
            "why-dropped has no option “--hepl”. Did you mean --help?",
            ("why-dropped a --help",),
        ),
        ("why-dropped a --form yesteday", "why-dropped has no option “--form”. Did you mean --from?", ()),
        ("why-droped a --at noonish", "There is no subcommand “why-droped”.", (EXAMPLE,)),
        ("why-dropped 2 h", "why-dropped takes a connection id; I can't place “h”.", ()),
        (
            "why-dropped a\x00b",
            "The connection id holds a character that no id of Azure SignalR Service holds (U+0000).",
            (),
        ),
        ('why-dropped "a', "A quotation mark is opened and not closed.", ()),
        ("help why-droped", "There is no subcommand “why-droped” to help with.", ("help why-dropped",)),
    ],
)
def test_a_line_that_cannot_be_read(line: str, message: str, suggestions: tuple[str, ...]) -> None:
    with pytest.raises(UsageError) as caught:
        parse(line, VERBS, NOW, BERLIN)
    hint = "help" if line.startswith("help") else EXAMPLE
    assert (caught.value.message, caught.value.hint, caught.value.suggestions) == (message, hint, suggestions)


@pytest.mark.parametrize(
    ("line", "needed"),
    [
        ("why-dropped a 2h", False),
        ("why-dropped a --at 14:05", True),
        ("why-dropped a --at 14:05Z", False),
        ("why-dropped a --from yesterday", True),
        ("why-dropped a --from 2026-11-23T10:00:00+01:00", False),
        ("why-dropped a --since 2h ago --before 2026-11-23", True),
        ("why-dropped 14:05", False),
        ("help", False),
        ("nonsense --at 14:05", False),
    ],
)
def test_the_zone_matters_when_a_time_has_none(line: str, needed: bool) -> None:
    assert needs_zone(line, VERBS) == needed


def is_id(text: str) -> bool:
    try:
        return clean(text, "id").strip() != ""
    except UsageError:
        return False


HOSTILE = st.one_of(
    st.text(min_size=1, max_size=40),
    st.text(alphabet="ab-_2hm\"'`*<>&;|@#.,=/\\ \u201c\u201d\u2019\u2014\u200b\u00a0", min_size=1, max_size=24),
    st.sampled_from(["help", "--help", "-h", "?", "--", "--from", "2h", "&amp;lt;", "<https://a|b>", "/signalr"]),
).filter(is_id)
MOMENTS = st.timedeltas(timedelta(days=3), timedelta(days=300)).map(lambda age: NOW - age)


@given(
    HOSTILE,
    HOSTILE,
    HOSTILE,
    MOMENTS,
    st.timedeltas(timedelta(microseconds=1), timedelta(days=31)),
    st.booleans(),
)
@settings(max_examples=400, deadline=None)
def test_the_canonical_line_reads_back_as_the_same_command_in_chat_and_in_a_shell(
    connection_id: str, user: str, resource: str, start: datetime, span: timedelta, everything: bool
) -> None:
    arguments = {
        "connection_id": connection_id,
        "around": span,
        "share": 1e-07,
        "min_drops": -3,
        "all": everything,
        "before": start,
        "user": user,
    }
    window = Window(start, start + span)
    asked = Command("why-dropped", arguments, window, True, resource, VERBS["why-dropped"].parameters)
    _, words = take(shlex.split(shell(asked.line, " --json")))
    assert (parse(asked.line, VERBS, NOW, BERLIN), parse(words, VERBS, NOW, BERLIN)) == (asked, asked)


ANYTHING = st.one_of(
    st.text(alphabet=st.characters(), max_size=60),
    st.lists(
        st.sampled_from(
            [
                "/signalr",
                "--help=x",
                "-h=x",
                "--hepl=me",
                "--form",
                "why-dropped",
                "errors",
                "help",
                "abc",
                "-x",
                "--",
                "--from",
                "--at",
                "—to",
                "--since=",
                "yesterday",
                "14:05",
                "2026-11-23",
                "99:99",
                "1h",
                "-2h",
                "2h ago",
                "99999999999999w",
                "“",
                '"',
                "`",
                "<https://x|y>",
                "&amp;",
                "*",
                "\x00",
                "\ud800",
                "\u202e",
                "🙂",
                "0001-01-01",
                "9999-12-31",
                "+99:99",
            ]
        ),
        max_size=9,
    ).map(" ".join),
    st.builds(str.__mul__, st.text(alphabet=st.characters(), min_size=1, max_size=8), st.integers(1, 1250)),
)


@given(ANYTHING, st.booleans())
@settings(max_examples=600, deadline=None)
def test_any_text_is_read_or_refused_in_words(text: str, typed_in_a_shell: bool) -> None:
    for line in (text, f"why-dropped {text}"):
        try:
            answer: Any = parse(line.split() if typed_in_a_shell else line, VERBS, NOW, BERLIN)
        except UsageError as error:
            for suggestion in error.suggestions:
                parse(suggestion, VERBS, NOW, BERLIN)
            answer = parse(error.hint, VERBS, NOW, BERLIN)
        assert isinstance(answer, Command | HelpRequest | VersionRequest)
