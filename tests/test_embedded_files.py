"""Log files as the service, the portal and broken copies write them, read by the embedded engine."""

from __future__ import annotations

import gzip
import json
import random
from datetime import UTC, datetime
from pathlib import Path

import duckdb
import pytest

from bot.engines.embedded import EmbeddedEngine
from bot.errors import EngineError
from tests.test_embedded import MINUTE, RESOURCE, WINDOW, Ask, T, ask, ids, line, record

__all__ = ["ask"]


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        pytest.param("2026-11-23T10:05:15Z", "10:05:15", id="whole seconds"),
        pytest.param("2026-11-23T10:05:15.1234567Z", "10:05:15.123456", id="seven digits"),
        pytest.param("2026-11-23T12:05:15+02:00", "10:05:15", id="an offset is honoured"),
        pytest.param("2026-11-23T10:05:15", "10:05:15", id="no zone means UTC"),
        pytest.param("11/23/2026 10:05:15", "10:05:15", id="the American form"),
    ],
)
async def test_times_are_read_as_utc(
    ask: Ask, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, given: str, expected: str
) -> None:
    monkeypatch.setenv("TZ", "America/New_York")
    (tmp_path / "a.json").write_text(line(time=given))

    table = await ask(f"{T} | project TimeGenerated")

    assert (table.rows, table.notes) == (
        ({"TimeGenerated": datetime.fromisoformat(f"2026-11-23T{expected}+00:00")},),
        (),
    )


@pytest.mark.parametrize(
    ("given", "expected", "notes"),
    [
        pytest.param(9007199254740993, 9007199254740993, 0, id="a number beyond 2^53 stays exact"),
        pytest.param("9007199254740993", 9007199254740993, 0, id="text is read as a number"),
        pytest.param("", None, 0, id="empty text is no id"),
        pytest.param(18446744073709551615, None, 1, id="beyond 2^63 is left out and said"),
        pytest.param(1.5e18, None, 1, id="a float is not an exact id"),
    ],
)
async def test_tracing_ids_are_exact_or_left_out(
    ask: Ask, tmp_path: Path, given: object, expected: int | None, notes: int
) -> None:
    (tmp_path / "a.json").write_text(line(properties={"messageTracingId": given}))

    table = await ask(f"{T} | project MessageTracingId")

    assert (table.rows, len(table.notes)) == (({"MessageTracingId": expected},), notes)


BOM = "\ufeff"
TABLE_NAMES = {"timegenerated": "2026-11-23T10:05:15Z", "Message": "m", "ConnectionId": "a", "Collection": "Connection"}


@pytest.mark.parametrize(
    ("content", "expected", "notes"),
    [
        pytest.param((BOM + line()).encode(), ["a"], (), id="a byte-order mark"),
        pytest.param(line().encode("utf-16"), ["a"], (), id="UTF-16, as PowerShell writes it"),
        pytest.param(line().replace("\n", "\r\n\r\n").encode(), ["a"], (), id="CRLF and blank lines"),
        pytest.param((line("a") + line("a")).encode(), ["a", "a"], (), id="duplicates are kept as they came"),
        pytest.param(
            line(properties={"extra": {"deep": [1]}}, other=[{"x": 1}]).encode(), ["a"], (), id="unknown fields"
        ),
        pytest.param(
            json.dumps({**record(), "properties": json.dumps(record()["properties"])}).encode(),
            ["a"],
            (),
            id="properties as JSON text",
        ),
        pytest.param(json.dumps(TABLE_NAMES).encode(), ["a"], (), id="the table's own column names in any case"),
        pytest.param(json.dumps([record("a"), record("b")]).encode(), ["a", "b"], (), id="an array on one line"),
        pytest.param(json.dumps([record("a"), record("b")], indent=1).encode(), ["a", "b"], (), id="a printed array"),
        pytest.param(json.dumps({"records": [record()]}, indent=1).encode(), ["a"], (), id="records in a wrapper"),
        pytest.param(json.dumps({"value": [record()]}).encode(), ["a"], (), id="values in a wrapper"),
        pytest.param(
            (line("a") + "{oops\n" + line("b")).encode(),
            ["a", "b"],
            ("1 line could not be read (first: a.json:2, not JSON).",),
            id="a broken line is counted and named",
        ),
        pytest.param(
            (line("a") + '\n[1]\n"x"\n{"time": 5}\n{"level": "x"}\n').encode(),
            ["a"],
            ("4 lines could not be read (first: a.json:3, not a JSON object).",),
            id="JSON that is no record",
        ),
        pytest.param(
            (line("a") + line("b")[:-30]).encode(),
            ["a"],
            ("The last line of a.json is cut off; its record is missing.",),
            id="a cut-off last line of a loose file",
        ),
        pytest.param(line("a").encode() + b'{"time":"\xff\xfe', ["a"], 1, id="bytes that are no text"),
        pytest.param(line("\udc00x").encode(), ["?x"], (), id="half a character"),
        pytest.param(line("a").encode() + b"\x00" * 4096, ["a"], 1, id="a tail of NUL bytes"),
        pytest.param((line("a") + "[" * 100_000 + "\n").encode(), ["a"], 1, id="brackets without end"),
        pytest.param(gzip.compress(line("a").encode()), ["a"], (), id="gzip under a plain name"),
        pytest.param(line("a").strip().encode() + line("b").encode(), ["a", "b"], (), id="two records on one line"),
        pytest.param(
            (line("a").strip() + line("b") + line("c") + line("d").strip() + " " + line("e").strip()).encode(),
            ["a", "b", "c", "d", "e"],
            (),
            id="two records on the first and the last line",
        ),
        pytest.param(
            (line("a").strip() + line("b")[:-30]).encode(),
            ["a"],
            ("The last line of a.json is cut off; its record is missing.",),
            id="a record before one that is cut off",
        ),
        pytest.param(
            (line("a").strip() + "oops\n" + line("b")).encode(),
            ["a", "b"],
            ("1 line could not be read (first: a.json:1, not JSON).",),
            id="a record before what is no JSON",
        ),
    ],
)
async def test_odd_files_are_read_or_reported(
    ask: Ask, tmp_path: Path, content: bytes, expected: list[str], notes: tuple[str, ...] | int
) -> None:
    (tmp_path / "a.json").write_bytes(content)

    table = await ask()

    assert (ids(table), len(table.notes) if isinstance(notes, int) else table.notes) == (expected, notes)


async def test_bad_lines_are_named_exactly_in_a_large_file(ask: Ask, tmp_path: Path) -> None:
    lines = [line(f"{number:06d}") for number in range(120_000)]
    for number in (0, 7, 60_000, 119_998):
        lines[number] = "{oops\n"
    lines[100] = "\n"
    (tmp_path / "a.json").write_text("".join(lines))
    engine = EmbeddedEngine(tmp_path)

    table = await engine.query_text(f"{T} | count", WINDOW, MINUTE)
    found = (table.rows, [(each.path, each.line, each.why) for each in engine.unreadable])
    await engine.close()

    assert found == (
        ({"Count": 119_995},),
        [("a.json", number + 1, "not JSON") for number in (0, 7, 60_000, 119_998)],
    )


async def test_an_endless_line_neither_stops_the_answer_nor_fills_the_memory(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(line("a") + '{"time": "' + "x" * (40 << 20) + '"}\n' + line("b"))
    (tmp_path / "b.json").write_text(line("c"))

    table = await ask()

    assert (ids(table), table.notes) == (
        ["a", "b", "c"],
        ("1 line could not be read (first: a.json:2, longer than 16 MiB).",),
    )


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(gzip.compress(line("b").encode()), (["a", "b"], 0), id="a whole gzip"),
        pytest.param(gzip.compress((line("b") * 50).encode())[:-9], (["a"], 1), id="a gzip cut short"),
        pytest.param(b"no gzip", (["a"], 1), id="no gzip at all"),
        pytest.param(gzip.compress(b""), (["a"], 0), id="an empty gzip"),
    ],
)
async def test_packed_files(ask: Ask, tmp_path: Path, content: bytes, expected: tuple[list[str], int]) -> None:
    (tmp_path / "a.json").write_text(line("a"))
    (tmp_path / "b.jsonl.gz").write_bytes(content)

    table = await ask()

    assert (sorted(set(ids(table)) - ({"b"} if expected[1] else set())), len(table.notes)) == expected


async def test_a_packed_file_that_was_cut_short_gives_what_it_holds_and_says_so(ask: Ask, tmp_path: Path) -> None:
    noise = random.Random(1)  # lines that do not pack well
    names = [noise.randbytes(12).hex() for _ in range(2_000)]
    packed = gzip.compress("".join(map(line, names)).encode())
    (tmp_path / "a.json.gz").write_bytes(packed[: len(packed) * 9 // 10])

    table = await ask()

    found = ids(table)
    assert (found, table.notes, len(found) > 1_700) == (
        sorted(names[: len(found)]),
        (
            f"1 line could not be read (first: a.json.gz:{len(found) + 1}, the packed file is cut off or broken here, "
            "the rest is missing).",
        ),
        True,
    )


CSV = (
    '"TimeGenerated [UTC]",OperationName,Message,CONNECTIONID,MessageTracingId,"_ResourceId",Unknown\n'
    '"11/23/2026, 10:05:15.123 AM",ConnectionAborted,"said ""no"", twice\nand again",a,9007199254740993,'
    + RESOURCE
    + ",x\n"
    "2026-11-23T10:06:00.5Z,ConnectionEnded,plain,b,,,\n"
)


async def test_a_csv_from_the_portal(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "query_data.csv").write_text(BOM + CSV)

    table = await ask(
        f"{T} | project TimeGenerated, Message, ConnectionId, MessageTracingId, _ResourceId | order by ConnectionId asc"
    )

    moment = datetime(2026, 11, 23, 10, 5, 15, 123000, tzinfo=UTC)
    first = (moment, 'said "no", twice\nand again', "a", 9007199254740993, RESOURCE.lower())
    second = (datetime(2026, 11, 23, 10, 6, 0, 500000, tzinfo=UTC), "plain", "b", None, "")
    assert ([tuple(row.values()) for row in table.rows], table.notes) == ([first, second], ())


async def test_a_parquet_file_with_typed_columns(ask: Ask, tmp_path: Path) -> None:
    with duckdb.connect() as connection:
        connection.execute("SET TimeZone = 'Asia/Tokyo'")
        connection.execute(
            "COPY (SELECT TIMESTAMPTZ '2026-11-23T10:05:15Z' AS timegenerated, 'a' AS ConnectionId, "
            f"9007199254740993::BIGINT AS MessageTracingId) TO '{tmp_path}/a.parquet' (FORMAT parquet)"
        )

    table = await ask(f"{T} | project TimeGenerated, ConnectionId, MessageTracingId")

    moment = datetime(2026, 11, 23, 10, 5, 15, tzinfo=UTC)
    assert [tuple(row.values()) for row in table.rows] == [(moment, "a", 9007199254740993)]


@pytest.mark.parametrize(
    ("name", "content"),
    [
        pytest.param("package.json", b'{"name": "x"}', id="JSON of something else"),
        pytest.param("a.csv", b"a,b\n1,2\n", id="a CSV of something else"),
        pytest.param("a.parquet", b"PAR1 no", id="a broken Parquet"),
        pytest.param("a.csv", b"\x00\xff\xfe" * 100, id="bytes under a CSV's name"),
    ],
)
async def test_files_without_a_single_record_are_an_error(ask: Ask, tmp_path: Path, name: str, content: bytes) -> None:
    (tmp_path / name).write_bytes(content)

    with pytest.raises(EngineError, match="There is no log record in"):
        await ask()


async def test_a_file_that_was_removed_answers_no_more(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(line("gone"))
    before = ids(await ask(T))
    (tmp_path / "a.json").unlink()
    (tmp_path / "b.json").write_text(line("here"))
    assert (before, ids(await ask(T))) == (["gone"], ["here"])
