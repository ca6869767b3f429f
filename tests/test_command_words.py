"""What Slack and keyboards do to a line of chat, undone."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.errors import UsageError
from bot.words import Word, quote, shell, split


@pytest.mark.parametrize(
    ("text", "words"),
    [
        pytest.param("“a b” „c“ ‘d’ 'e f'", [Word("a b", True), Word("c", True), Word("d", True), Word("e f", True)],
                     id="curly quotes"),
        pytest.param('"a b” c', [Word("a b", True), Word("c")], id="a mark that was curled alone"),
        pytest.param('"a \\"b\\" \\\\c”', None, id="a quote that stays open"),
        pytest.param('"a \\"b\\" \\\\c"', [Word('a "b" \\c', True)], id="escapes in straight quotes"),
        pytest.param("it's o'clock", [Word("it's"), Word("o'clock")], id="apostrophes"),
        pytest.param("—from –to ‑x –2h", [Word("--from"), Word("--to"), Word("-x"), Word("-2h")], id="dashes"),
        pytest.param("—user=“a b”.", [Word("--user"), Word("a b", True)], id="a quoted option value"),
        pytest.param("`abc` ```def``` *`ghi`*.", [Word("abc", True), Word("def", True), Word("ghi", True)],
                     id="code ticks"),
        pytest.param("`why-dropped abc 2h`", [Word("why-dropped"), Word("abc"), Word("2h")],
                     id="a whole line in code ticks"),
        pytest.param("*a_b* _c_ *d", [Word("a_b"), Word("_c_"), Word("*d")], id="stars go, underscores stay"),
        pytest.param("a. b, c… d? ? ...", [Word(w) for w in ("a", "b", "c", "d", "?", "...")], id="prose"),
        pytest.param("abc; def: a:b;c", [Word("abc"), Word("def"), Word("a:b;c")], id="marks that end no id"),
        pytest.param("a\u00a0b\u3000c\u200b \ufeff d", [Word(w) for w in "abcd"], id="odd and invisible spaces"),
        pytest.param("<https://example.com/?a=1&amp;b=2> <http://chat.example.com|chat.example.com>",
                     [Word("https://example.com/?a=1&b=2"), Word("chat.example.com")], id="links"),
        pytest.param("<mailto:ada@example.com|ada@example.com> <mailto:bob@example.com>",
                     [Word("ada@example.com"), Word("bob@example.com")], id="mail addresses"),
        pytest.param("<@U123> <@U123|ada> <#C1|general> <!here>",
                     [Word("@U123"), Word("@ada"), Word("#general"), Word("@here")], id="mentions"),
        pytest.param("&lt;a&gt; &amp;lt; &amp;amp;", [Word("<a>"), Word("&lt;"), Word("&amp;")],
                     id="entities, once"),
        pytest.param("&lt;https://example.com&gt;", [Word("<https://example.com>")], id="brackets that were typed"),
        pytest.param('"" x', [Word("", True), Word("x")], id="an empty quote"),
    ],
)  # fmt: skip
def test_chat_text_becomes_words(text: str, words: list[Word] | None) -> None:
    try:
        found = split(text)
    except UsageError:
        found = None
    assert found == words


@pytest.mark.parametrize(
    ("line", "arguments"),
    [
        ('why-dropped "$(touch x)" 1h', "why-dropped '$(touch x)' 1h --logs x"),
        ('why-dropped "`id`!\\\\"', "why-dropped '`id`!\\' --logs x"),
        ('why-dropped "a&lt;b&amp;c\'"', "why-dropped 'a<b&c'\"'\"'' --logs x"),
        ('why-dropped "--from" --since 1h', "why-dropped --since 1h --logs x -- --from"),
        (
            'why-dropped "2h" --user="--json" --resource="a b"',
            "why-dropped --user=--json --resource 'a b' --logs x -- 2h",
        ),
    ],
    ids=["a substitution", "ticks", "entities", "an option's name as the id", "a length as the id"],
)
def test_a_chat_line_becomes_arguments_for_a_shell(line: str, arguments: str) -> None:
    assert shell(line, " --logs x") == arguments


@given(st.text())
def test_a_quoted_word_reads_back(text: str) -> None:
    assert split(quote(text, always=True)) == [Word(text, literal=True)]
