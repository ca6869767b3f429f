"""Scenarios: what their files say, what their archives hold, and the truth that is told about them."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from collections import Counter
from datetime import timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.engines import archive
from bot.simulator import Told, scenarios, write_archive, write_scenario
from bot.simulator.journal import Noise
from bot.simulator.service import ClientConnection
from bot.simulator.staging import plan_of
from bot.simulator.staging import staged as stage
from tests.test_simulator import ENDINGS, ROOT, START, UNSHRUNK, Row, digest, rows_of

# The causes that scenarios, questions and documentation share.
VOCABULARY = {
    "service": {"service-reload", "service-transient-error", "lost-in-service"},
    "app": {
        "app-server-crashed", "app-server-starved", "app-deployed", "app-scaled-in", "server-connection-dropped",
        "foreign-app-server", "no-available-server", "app-servers-unbalanced", "app-server-closed",
        "server-ping-timeout",
    },
    "net": {"client-network", "server-network", "handshake-error", "lost-to-service", "lost-to-server"},
    "quota": {"connection-limit", "message-quota", "diagnostic-limit", "negotiate-burst"},
    "leak": {"client-connection-leak", "server-connection-leak"},
    "client": {"demand", "client-ping-timeout", "slow-client", "bad-request", "client-side"},
    "hub": {"hub-exception"},
    "auth": {"wrong-audience", "token-expired", "unauthorized"},
    "mode": {"mode-switched", "serverless-entered"},
    "upstream": {"upstream-failed"},
    "group": {"sent-before-join"},
}  # fmt: skip
ASKS = {
    "drops", "growth", "servers", "clients", "auth", "throttling", "messages", "group-race", "trace", "why-dropped",
    "user", "logs", "requests",
}  # fmt: skip
SERVER_DROPPED, COUNT_LIMIT = "Server connection dropped", "Connection count reaches limit"
CLEAN = [name for name in scenarios.names() if scenarios.load(name).noise == Noise()]


def staged(out: Path, name: str, seed: int = 7, **size: int) -> tuple[Told, list[Row]]:
    told = write_scenario(out, name, seed=seed, start=START, **size)
    rows = rows_of(out / "insights-logs-alllogs")
    return told, rows


def test_there_is_a_scenario_for_nearly_everything() -> None:
    assert len(scenarios.names()) >= 40


def test_every_scenario_asks_known_questions_and_names_known_causes() -> None:
    odd = []
    for name in scenarios.names():
        for truth in scenarios.load(name).truths:
            odd += [(name, truth.ask)] if truth.ask.split()[0] not in ASKS else []
            odd += [(name, cause) for cause in truth.causes if cause.code not in VOCABULARY.get(cause.family, ())]
            open_ends = "undecided" in truth.verdicts or "no_data" in truth.verdicts
            odd += [(name, truth.missing)] if truth.missing and not open_ends else []
            odd += [(name, "a finding without a cause")] if truth.verdicts == ("finding",) and not truth.causes else []
        odd += [(name, "no truth")] if not scenarios.load(name).truths else []
    assert odd == []


@pytest.mark.parametrize("name", scenarios.names())
def test_an_archive_comes_with_every_truth_of_its_scenario(tmp_path: Path, name: str) -> None:
    scenario = scenarios.load(name)
    told = write_scenario(tmp_path, name, seed=11, start=START)
    codes = [[cause.code for cause in truth.causes] for truth in told.truths]
    assert (codes, [truth.verdicts for truth in told.truths], "{" in "".join(truth.ask for truth in told.truths)) == (
        [[cause.code for cause in truth.causes] for truth in scenario.truths],
        [truth.verdicts for truth in scenario.truths],
        False,
    )


def broken_physics(told: Told, rows: list[Row]) -> list[str]:
    """What in a clean archive could not have happened, in words."""
    connection = [row for row in rows if row.fields["collection"] == "Connection"]
    wrong = [f"{key} twice" for key, count in Counter(row.key for row in connection).items() if count > 1]
    started = {row.fields["connectionId"]: row for row in connection if row.key[0] == "ConnectionStarted"}
    ended = {row.fields["connectionId"]: row for row in connection if row.key[0] in ENDINGS}
    wrong += [f"{name} ended before it started" for name, row in started.items() if _ended_early(row, ended.get(name))]
    wrong += _above_quota(told.quota, started, ended)
    lost = [row for row in ended.values() if row.fields["connectionType"] == "Server"]
    # There the clients go before their server connection does.
    within = timedelta(seconds=35 if told.name == "service-reload-plain" else 4)
    dropped = [
        row for row in ended.values() if row.fields["connectionType"] == "Client" and row.reason == SERVER_DROPPED
    ]
    for row in dropped:
        if not any(abs(row.at - loss.at) <= within and _is_beside(loss, row) for loss in lost):
            wrong.append(f"{row.fields['connectionId']} dropped without its server connection")
    starts = Counter(row.fields["connectionType"] for row in started.values())
    summed = (told.records, told.client_connections, told.server_connections, told.first, told.last)
    counted = (len(rows), starts["Client"], starts["Server"], rows[0].at, rows[-1].at)
    return wrong + ([f"told {summed}, counted {counted}"] if summed != counted else [])


def _ended_early(start: Row, end: Row | None) -> bool:
    return end is not None and end.at < start.at


def _is_beside(line: Row, client: Row) -> bool:
    places = [(row.fields["hub"], row.fields["location"]) for row in (line, client)]
    return places[0] == places[1]


def _above_quota(quota: int, started: dict[str, Row], ended: dict[str, Row]) -> list[str]:
    # Who ended without a start was there before the archive began, unless it never got in.
    count = sum(name not in started and row.reason != COUNT_LIMIT for name, row in ended.items())
    # Within one second the order is unknown: let the ends go first.
    steps = [(row.at, -1) for row in ended.values() if row.reason != COUNT_LIMIT]
    peak = count
    for _, step in sorted(steps + [(row.at, 1) for row in started.values()]):
        count += step
        peak = max(peak, count)
    return [f"{peak} connections open, with a quota of {quota}"] if peak > quota else []


@given(name=st.sampled_from(CLEAN), seed=st.integers(), percent=st.integers(100, 250))
@UNSHRUNK
def test_no_scenario_breaks_the_physics(name: str, seed: int, percent: int) -> None:
    size = scenarios.load(name).size
    minutes = size.hours * 60
    connections = size.clients * (minutes + size.stay) * percent // (size.stay * 100)
    with TemporaryDirectory() as out:
        told, rows = staged(Path(out), name, seed, **({"connections": connections} if size.clients >= 300 else {}))
    assert (name, broken_physics(told, rows)) == (name, [])


REASONS = {
    "service-reload": "Service reloading, try reconnecting",
    "transient-error": "Internal server transient error",
    "slow-clients": "Slow client",
    "app-server-crash": SERVER_DROPPED,
    "deploy-abrupt": SERVER_DROPPED,
    "scale-in": SERVER_DROPPED,
    "hub-exception": "Application server closed the connection. Server reported error",
    "handshake-errors": "Handshake error",
}


@pytest.mark.parametrize(("name", "reason"), REASONS.items())
def test_the_size_and_times_of_a_cause_are_those_of_its_records(tmp_path: Path, name: str, reason: str) -> None:
    told, rows = staged(tmp_path, name)
    [cause] = told.truths[0].causes
    hit = [row for row in rows if row.fields["connectionType"] == "Client" and row.reason.startswith(reason)]
    assert cause.first
    assert cause.last
    # The records of server connections come a little before or after those of their clients.
    around = [hit[0].at - cause.first, cause.last - hit[-1].at]
    assert (cause.size, [gap for gap in around if not timedelta() <= gap <= timedelta(seconds=30)]) == (len(hit), [])


@given(name=st.sampled_from(CLEAN), seed=st.integers())
@UNSHRUNK
def test_every_client_ends_within_seconds_of_its_server_connection(name: str, seed: int) -> None:
    left: list[tuple[int, list[ClientConnection]]] = []
    ends: dict[str, int] = {}
    with TemporaryDirectory() as out:
        scenario = scenarios.load(name)
        world, _ = stage(Path(out), scenario, plan_of(scenario, START), seed)
        world.service.on_line_closed.append(lambda line, _: left.append((world.clock.now, list(line.clients))))
        world.service.on_client_closed.append(lambda connection, _: ends.setdefault(connection.id, world.clock.now))
        world.run()
    # What is lost in the last seconds ends after the archive does.
    due = [(at, client.id) for at, clients in left for client in clients if at < world.plan.total - 4_000]
    late = [client for at, client in due if not 0 <= ends.get(client, 1 << 60) - at <= 4_000]
    assert (name, late) == (name, [])


@pytest.mark.parametrize("name", ["deploy-graceful", "new-deployment", "scale-out", "normal-day", "busy-hour"])
def test_nobody_is_dropped_on_a_healthy_day_but_a_few_strays(tmp_path: Path, name: str) -> None:
    _, rows = staged(tmp_path, name)
    reasons = Counter(row.reason for row in rows if row.key[0] == "ConnectionAborted")
    ends = sum(row.key[0] in ENDINGS for row in rows)
    allowed = {"Connection ping timeout", "Application server closed the connection"}
    assert (set(reasons) <= allowed, reasons.total() < ends * 0.02) == (True, True)


def test_a_log_begins_while_the_service_is_running(tmp_path: Path) -> None:
    _, rows = staged(tmp_path, "quiet-night")
    started = {row.key[1] for row in rows if row.key[0] == "ConnectionStarted"}
    unknown = [row for row in rows if row.key[0] in ENDINGS and row.key[1] not in started]
    assert len(unknown) > 100


def test_the_truth_lies_beside_the_archive_where_no_reader_takes_it_for_logs(tmp_path: Path) -> None:
    told, _ = staged(tmp_path, "reload-and-office-outage")
    written = tomllib.loads((tmp_path / "truth.toml").read_text(encoding="utf-8"))
    causes = [cause for truth in written["truth"] for cause in truth.get("cause", ())]
    listing = archive.find(tmp_path, None)
    assert (
        [truth["ask"] for truth in written["truth"]],
        [(cause["code"], cause["first"], cause["size"], cause["shared"]) for cause in causes],
        {file.path.name for file in listing.files},
    ) == (
        [truth.ask for truth in told.truths],
        [(cause.code, cause.first, cause.size, cause.shared) for truth in told.truths for cause in truth.causes],
        {"PT1H.json"},
    )


def test_an_archive_without_a_scenario_has_no_old_truth_beside_it(tmp_path: Path) -> None:
    write_scenario(tmp_path, "quiet-night", seed=1, start=START)
    write_archive(tmp_path, seed=1, connections=2_000, hours=1, start=START)
    assert [path.name for path in tmp_path.iterdir()] == ["insights-logs-alllogs"]


@pytest.mark.parametrize("name", ["starvation-and-reload", "foreign-app-server", "quota-by-leak"])
def test_the_same_arguments_give_the_same_bytes_whatever_the_hash_seed(tmp_path: Path, name: str) -> None:
    program = (
        "import sys; from datetime import *; from pathlib import Path; from bot.simulator import write_scenario;"
        "write_scenario(Path(sys.argv[1]), sys.argv[2], seed=5, start=datetime(2026, 3, 2, 8, tzinfo=timezone.utc))"
    )
    digests = set()
    for hash_seed in ("1", "2", "2"):
        out = tmp_path / f"{len(list(tmp_path.iterdir()))}"
        environment = {"PYTHONHASHSEED": hash_seed, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, "-c", program, str(out), name], env=environment, check=True)
        digests.add(digest(out))
    assert len(digests) == 1


def test_seeds_differ_in_their_moments(tmp_path: Path) -> None:
    told = [write_scenario(tmp_path, "service-reload", seed=seed, start=START) for seed in range(4)]
    assert len({each.truths[0].causes[0].first for each in told}) == 4


@pytest.mark.parametrize(
    ("size", "wanted"),
    [
        pytest.param({"connections": 9_000}, (9_000, None), id="connections"),
        pytest.param({"rate": 150}, (None, 18_000), id="records a minute"),
        pytest.param({"rate": 150, "hours": 4}, (None, 36_000), id="records a minute for longer"),
    ],
)
def test_the_size_can_be_changed(tmp_path: Path, size: dict[str, int], wanted: tuple[int | None, int | None]) -> None:
    told, rows = staged(tmp_path, "normal-day", **{"hours": 2, **size})
    connections = len({row.key[1] for row in rows if row.fields["connectionType"] == "Client"})
    ratios = [got / want for got, want in zip((connections, told.records), wanted, strict=True) if want]
    assert [ratio for ratio in ratios if not 0.85 < ratio < 1.15] == []


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        pytest.param({"name": "no-such"}, "there is no scenario 'no-such'", id="a name there is not"),
        pytest.param({"hours": 0}, "hours must be from 1 to 744, not 0", id="no hours"),
        pytest.param({"connections": 10}, "a scenario needs 300 to 1000000", id="too few connections"),
        pytest.param({"connections": 9_000, "rate": 9}, "connections or a rate, not both", id="two sizes"),
        pytest.param({"start": START.replace(tzinfo=None)}, "needs a time zone", id="a naive start"),
    ],
)
def test_what_it_cannot_simulate_is_refused_before_anything_is_written(
    tmp_path: Path, change: dict[str, Any], complaint: str
) -> None:
    arguments: dict[str, Any] = {"name": "normal-day", "seed": 1, "start": START, **change}
    with pytest.raises(ValueError, match=complaint):
        write_scenario(tmp_path, arguments.pop("name"), **arguments)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        pytest.param("story = ", "Invalid value", id="no TOML"),
        pytest.param("[size]\nhours = 2", "the story is one line", id="no story"),
        pytest.param('story = "x"\n[sizes]', "unknown table or key sizes", id="an unknown table"),
        pytest.param('story = "x"\n[size]\nhour = 2', r"\[size\]: unknown key hour", id="an unknown key"),
        pytest.param('story = "x"\n[size]\nhours = "2"', "hours is not a int: '2'", id="a text for a number"),
        pytest.param('story = "x"\n[size]\ntier = "gold"', "there is no tier 'gold'", id="an unknown tier"),
        pytest.param('story = "x"\n[service]\nhubs = ["x"]', "hubs are some of chathub", id="an unknown hub"),
        pytest.param('story = "x"\n[service]\nmode = "x"', "mode is one of default", id="an unknown mode"),
        pytest.param('story = "x"\n[noise]\nlate = 2000', "late is a share in thousandths", id="too much noise"),
        pytest.param('story = "x"\n[[fault]]\nat = 0.5', "at is in thousandths", id="a share as a fraction"),
        pytest.param(
            'story = "x"\n[[truth]]\nask = "drops"\nverdicts = ["bad"]', "verdicts are some of ok", id="a verdict"
        ),
        pytest.param(
            'story = "x"\n[[truth]]\nask = "drops"\nverdicts = ["ok"]\n'
            'causes = [{ fault = "y", family = "net", code = "z" }]',
            "no fault has the name 'y'",
            id="a cause of no fault",
        ),
    ],
)
def test_a_scenario_that_cannot_be_right_is_refused(text: str, complaint: str) -> None:
    with pytest.raises(ValueError, match=complaint):
        scenarios.read("odd", text)
