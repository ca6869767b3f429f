"""What a simulated archive holds, read back from its files alone."""

from __future__ import annotations

import hashlib
import json
from collections import Counter
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import Phase, given, settings
from hypothesis import strategies as st

from bot.simulator import Written, write_archive

START = datetime(2026, 3, 2, 8, tzinfo=UTC)
ROOT = Path(__file__).parent.parent
# A seed has no simpler form, so a failing one is shown as it is.
UNSHRUNK = settings(max_examples=12, deadline=None, phases=[Phase.explicit, Phase.generate])
ENDINGS = ("ConnectionEnded", "ConnectionAborted")


@dataclass(frozen=True, slots=True)
class Row:
    """One line: when it happened, the hour of the blob that holds it, and its flattened fields."""

    at: datetime
    hour: datetime
    fields: dict[str, Any]

    @property
    def key(self) -> tuple[str, str]:
        return self.fields["operationName"], self.fields["connectionId"]

    @property
    def reason(self) -> str:
        return self.fields["message"].partition("Reason: ")[2]


def blobs(out: Path) -> list[Path]:
    return sorted(path for path in out.rglob("*") if path.is_file())


def digest(out: Path) -> str:
    total = hashlib.sha256()
    for path in blobs(out):
        total.update(str(path.relative_to(out)).encode() + path.read_bytes())
    return total.hexdigest()


def rows_of(out: Path) -> list[Row]:
    rows = []
    for path in blobs(out):
        year, month, day, hour = (int(part.partition("=")[2]) for part in path.parts[-6:-2])
        for line in path.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            flat = {**record, **record["properties"]}
            rows.append(Row(datetime.fromisoformat(record["time"]), datetime(year, month, day, hour, tzinfo=UTC), flat))
    return sorted(rows, key=lambda row: row.at)


@dataclass(frozen=True, slots=True)
class Archive:
    out: Path
    written: Written
    rows: list[Row]


def simulated(out: Path, seed: int, connections: int, hours: int) -> Archive:
    written = write_archive(out, seed=seed, connections=connections, hours=hours, start=START)
    return Archive(out, written, rows_of(out))


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Archive:
    return simulated(tmp_path_factory.mktemp("demo"), seed=7, connections=8_000, hours=6)


def broken_physics(archive: Archive) -> list[str]:
    """What in the archive could not have happened, in words."""
    rows, written = archive.rows, archive.written
    wrong = []
    times = Counter(row.key for row in rows if row.fields["collection"] == "Connection")
    wrong += [f"{operation} twice for {name}" for (operation, name), count in times.items() if count > 1]
    started = {row.fields["connectionId"]: row for row in rows if row.key[0] == "ConnectionStarted"}
    ended = {row.fields["connectionId"]: row for row in rows if row.key[0] in ENDINGS}
    for name, end in ended.items():
        refused = end.reason == "Connection count reaches limit"
        if refused == (name in started):
            wrong.append(f"{name}: refused {refused}, started {name in started}")
        elif not refused and end.at < started[name].at:
            wrong.append(f"{name} ended before it started")
    lost = [row for row in ended.values() if row.fields["connectionType"] == "Server"]
    for row in ended.values():
        if row.reason == "Server connection dropped" and not any(
            timedelta() <= row.at - loss.at <= timedelta(seconds=4)
            and (loss.fields["hub"], loss.fields["location"]) == (row.fields["hub"], row.fields["location"])
            for loss in lost
        ):
            wrong.append(f"{row.fields['connectionId']} dropped without its server connection")
    # Within one second the order is unknown: let the ends go first.
    steps = [(row.at, -1) for name, row in ended.items() if name in started]
    steps += [(row.at, 1) for row in started.values()]
    count = peak = 0
    for _, step in sorted(steps):
        count += step
        peak = max(peak, count)
    if not written.quota * 0.97 <= peak <= written.quota:
        wrong.append(f"at most {peak} connections open, with a quota of {written.quota}")
    wrong += [f"{row.key} arrived before it happened" for row in rows if row.hour + timedelta(hours=1) <= row.at]
    return wrong


@given(seed=st.integers(), connections=st.integers(2_000, 4_000), hours=st.integers(1, 30))
@UNSHRUNK
def test_no_seed_breaks_the_physics(seed: int, connections: int, hours: int) -> None:
    with TemporaryDirectory() as out:
        archive = simulated(Path(out), seed, connections, hours)
    assert broken_physics(archive) == []


@given(seed=st.integers(), hours=st.integers(1, 100))
@UNSHRUNK
def test_every_archive_shows_every_fault_a_healthy_end_and_an_open_connection(seed: int, hours: int) -> None:
    with TemporaryDirectory() as out:
        written = write_archive(Path(out), seed=seed, connections=2_000, hours=hours, start=START)
    assert sorted(example.fault_code for example in written.examples) == [
        "client-ping-timeout",
        "connection-limit",
        "healthy",
        "hub-exception",
        "server-connection-dropped",
        "service-reload",
        "still-open",
    ]


def test_the_description_agrees_with_the_files(demo: Archive) -> None:
    written, rows = demo.written, demo.rows
    starts = Counter(row.fields["connectionType"] for row in rows if row.key[0] == "ConnectionStarted")
    assert (
        written.records,
        written.files,
        written.client_connections,
        written.server_connections,
        written.first,
        written.last,
        {written.resource_id},
    ) == (
        len(rows),
        len(blobs(demo.out)),
        starts["Client"],
        starts["Server"],
        rows[0].at,
        rows[-1].at,
        {row.fields["resourceId"] for row in rows},
    )


REASONS = {
    "healthy": "",
    "client-ping-timeout": "Connection ping timeout",
    "server-connection-dropped": "Server connection dropped",
    "service-reload": "Service reloading, try reconnecting",
    "hub-exception": "Application server closed the connection. Server reported error",
    "connection-limit": "Connection count reaches limit",
}


def test_each_example_ended_as_its_fault_ends_connections(demo: Archive) -> None:
    told = {}
    for example in demo.written.examples:
        ends = [row for row in demo.rows if row.key[1] == example.connection_id and row.key[0] in ENDINGS]
        told[example.fault_code] = [(row.at == example.ended_at, row.reason.partition(": ")[0]) for row in ends]
        assert (example.ended_at is None) == (example.fault_code == "still-open")
    assert told == {**{code: [(True, reason)] for code, reason in REASONS.items()}, "still-open": []}


def test_the_wordings_are_those_of_the_service(demo: Archive) -> None:
    assert {
        (row.fields["connectionType"], row.fields["message"].partition(": System.")[0])
        for row in demo.rows
        if row.fields["collection"] == "Connection"
    } == {
        ("Client", "Connection started"),
        ("Server", "Connection started"),
        ("Client", "Connection ended. Reason: "),
        ("Client", "Connection aborted. Reason: Connection ping timeout"),
        ("Server", "Connection aborted. Reason: Connection ping timeout"),
        ("Client", "Connection aborted. Reason: Server connection dropped"),
        ("Client", "Connection aborted. Reason: Service reloading, try reconnecting"),
        ("Server", "Connection aborted. Reason: Service reloading, please reconnect"),
        ("Client", "Connection aborted. Reason: Application server closed the connection"),
        (
            "Client",
            "Connection aborted. Reason: Application server closed the connection. Server reported error",
        ),
        ("Client", "Connection aborted. Reason: Connection count reaches limit"),
    }


def test_a_record_has_the_fields_of_the_storage_archive(demo: Archive) -> None:
    record = json.loads(blobs(demo.out)[0].read_text().splitlines()[0])
    name = record["properties"]["connectionId"]
    assert record == {
        "time": "2026-03-02T08:00:00Z",
        "level": "Informational",
        "resourceId": demo.written.resource_id,
        "location": record["location"],
        "category": "AllLogs",
        "operationName": "ConnectionStarted",
        "callerIpAddress": record["callerIpAddress"],
        "properties": {
            "type": "ConnectivityLogs",
            "collection": "Connection",
            "message": "Connection started",
            "connectionId": name,
            "connectionType": "Server",
            "transportType": "WebSockets",
            "userId": None,
            "hub": record["properties"]["hub"],
        },
    }


def test_blobs_lie_where_diagnostic_settings_put_them(demo: Archive) -> None:
    assert [str(path.relative_to(demo.out).as_posix()) for path in blobs(demo.out)][:6] == [
        "insights-logs-alllogs/resourceId=/SUBSCRIPTIONS/00000000-0000-0000-0000-000000000000"
        "/RESOURCEGROUPS/RG-DEMO/PROVIDERS/MICROSOFT.SIGNALRSERVICE/SIGNALR/CHAT-PROD"
        f"/y=2026/m=03/d=02/h={hour:02d}/m=00/PT1H.json"
        for hour in range(8, 14)
    ]


def test_some_records_arrive_in_a_later_hour(demo: Archive) -> None:
    hours_late = Counter((row.hour - row.at.replace(minute=0, second=0)) // timedelta(hours=1) for row in demo.rows)
    assert (set(hours_late), hours_late[0] > 0.9 * len(demo.rows)) == ({0, 1, 2}, True)


def test_healthy_traffic_is_mixed(demo: Archive) -> None:
    clients = [row.fields for row in demo.rows if row.fields["connectionType"] == "Client"]
    users_behind = Counter(address for address, _ in {(row["callerIpAddress"], row["userId"]) for row in clients})
    assert (
        {row["hub"] for row in clients},
        {row["transportType"] for row in clients},
        {row["location"] for row in clients},
        {None, ""} <= {row["userId"] for row in clients},
        max(users_behind.values()) > 20,
    ) == (
        {"chathub", "notifications", "dashboards"},
        {"WebSockets", "ServerSentEvents", "LongPolling"},
        {"westeurope", "northeurope"},
        True,
        True,
    )


@pytest.mark.parametrize("code", ["client-ping-timeout", "server-connection-dropped", "service-reload"])
def test_most_who_lost_their_connection_come_back(demo: Archive, code: str) -> None:
    ended_at = next(example.ended_at for example in demo.written.examples if example.fault_code == code)
    assert ended_at
    losses = [
        row
        for row in demo.rows
        if row.reason == REASONS[code] and row.fields["userId"] and abs(row.at - ended_at) < timedelta(minutes=3)
    ]
    back = [
        any(
            timedelta() <= row.at - loss.at <= timedelta(minutes=3)
            for row in demo.rows
            if row.key[0] == "ConnectionStarted" and row.fields["userId"] == loss.fields["userId"]
        )
        for loss in losses
    ]
    assert (len(losses) >= 5, sum(back) > 0.7 * len(back)) == (True, True)


def test_ping_timeouts_of_the_fault_share_one_address(demo: Archive) -> None:
    fault = next(each for each in demo.written.examples if each.fault_code == "client-ping-timeout")
    assert fault.ended_at
    addresses = Counter(
        row.fields["callerIpAddress"]
        for row in demo.rows
        if row.reason == "Connection ping timeout" and abs(row.at - fault.ended_at) < timedelta(seconds=30)
    )
    [(address, count)] = addresses.most_common(1)
    assert (count >= 10, count > 0.9 * addresses.total(), f"behind {address} " in fault.note) == (True, True, True)


def test_collect_all_shows_what_servers_send_and_no_client_messages(demo: Archive) -> None:
    messages = [row for row in demo.rows if row.fields["collection"] == "Message"]
    sent = {row.fields["messageTracingId"]: row for row in messages if "messageType" in row.fields}
    received = Counter(row.fields["messageTracingId"] for row in messages if "messageType" not in row.fields)
    texts = {
        row.fields["message"]
        .replace(str(row.fields["messageTracingId"]), "ID")
        .replace(row.fields["connectionId"], "CONNECTION")
        for row in messages
    }
    assert (
        texts,
        set(received) <= set(sent),
        max(received.values()) > 1,
        {row.fields["messageType"] for trace, row in sent.items() if trace not in received}
        >= {"JoinGroupWithAckMessage", "UserDataMessage"},
        {row.fields["hub"] for row in messages},
        max(sent) > 2**53,
    ) == (
        {
            "Received a GroupBroadcastDataMessage message ID from server connection CONNECTION.",
            "Received a JoinGroupWithAckMessage message ID from server connection CONNECTION.",
            "Received a UserDataMessage message ID from server connection CONNECTION.",
            "Sent a message ID to client connection CONNECTION successfully.",
        },
        True,
        True,
        True,
        {"chathub"},
        True,
    )


def test_throttling_and_authorization_are_logged(demo: Archive) -> None:
    texts = {
        (row.fields["collection"], row.fields["message"])
        for row in demo.rows
        if row.fields["collection"] in ("Throttling", "Authorization")
    }
    url = "https://chat-prod.example.com/client/?hub="
    assert texts == {
        ("Throttling", "Connection count reaches limit"),
        (
            "Authorization",
            f"Failed to validate audience. Expected Audiences: {url}dashboards. Actual Audiences: {url}Dashboards",
        ),
    }
