"""What the scenarios of messages leave in an archive, held against what they tell."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable
from datetime import timedelta
from itertools import pairwise
from pathlib import Path

import pytest

from bot.simulator import events
from bot.simulator.act import Act
from bot.simulator.clock import Clock
from bot.simulator.events import Event
from bot.simulator.instances import Instance
from bot.simulator.messages.app_log import AppLog, Style
from bot.simulator.messages.messaging import messaging_of
from bot.simulator.plan import plan_for
from bot.simulator.service import AppServer, ServerConnection
from bot.simulator.world import World
from tests.plays import START, Play, Stage, stage, stage_once

SILENT = ("JoinGroupWithAckMessage", "LeaveGroupWithAckMessage")


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_once(tmp_path_factory.mktemp)


def unreceived(staged: Play) -> Counter[tuple[str, str]]:
    """Messages that went to no client, by type and the beginning of their group's name."""
    return Counter(
        (row["messageType"], row.get("groupName", "").partition("-")[0])
        for trace, [row] in staged.traced["from server"].items()
        if trace not in staged.traced["to client"] and row["messageType"] not in SILENT
    )


@pytest.mark.parametrize(
    ("name", "silent"),
    [
        pytest.param("messages-healthy", {("UserDataMessage", "")}, id="only offline users miss messages"),
        pytest.param(
            "messages-empty-group",
            {("UserDataMessage", ""), ("GroupBroadcastDataMessage", "archive")},
            id="and groups that nobody is in",
        ),
        pytest.param(
            "message-lost-in-service",
            {("UserDataMessage", ""), ("GroupBroadcastDataMessage", "room")},
            id="and rooms, when the service loses messages",
        ),
    ],
)
def test_who_misses_messages(play: Stage, name: str, silent: set[tuple[str, str]]) -> None:
    assert set(unreceived(play(name))) == silent


def test_every_documented_type_occurs(play: Stage) -> None:
    assert {row["messageType"] for [row] in play("messages-healthy").traced["from server"].values()} == {
        "BroadcastDataMessage",
        "MultiConnectionDataMessage",
        "GroupBroadcastDataMessage",
        "MultiGroupBroadcastDataMessage",
        "UserDataMessage",
        "MultiUserDataMessage",
        *SILENT,
    }


def test_ids_of_app_servers_count_up_and_those_of_the_service_do_not(play: Stage) -> None:
    staged = play("message-lost-from-client")
    counters = defaultdict(list)
    for trace, [row] in staged.traced["from server"].items():
        counters[row["callerIpAddress"], trace >> 32].append(trace & 0xFFFFFFFF)
    by_service = set(staged.traced["from client"])
    assert (
        {address: sorted(counts) == list(range(len(counts))) for (address, _), counts in counters.items()},
        min(by_service) > 2**53,
        max(by_service) < 2**63,
        {trace >> 32 for trace in by_service} & {prefix for _, prefix in counters},
    ) == (dict.fromkeys((f"203.0.113.{number}" for number in (10, 11, 12)), True), True, True, set())


def lost_in_service(staged: Play) -> set[int]:
    sent, delivered = staged.traced["from server"], staged.traced["to client"]
    rooms = {trace for trace, [row] in sent.items() if row["messageType"].startswith("Group")}
    return {trace for trace in rooms - delivered.keys() if sent[trace][0]["groupName"].startswith("room")}


def never_arrived(staged: Play) -> set[int]:
    claimed = {int(text.split()[-1][:-1]) for text in staged.app_log if text.startswith("Succeeded to send message")}
    return claimed - staged.traced["from server"].keys()


def never_passed_on(staged: Play) -> set[int]:
    return staged.traced["from client"].keys() - staged.traced["to server"].keys()


def never_received(staged: Play) -> set[int]:
    told = {int(text.split()[2]) for text in staged.app_log if text.startswith("Received message")}
    return staged.traced["to server"].keys() - told


@pytest.mark.parametrize(
    ("name", "missing"),
    [
        pytest.param("message-lost-in-service", lost_in_service, id="in the service"),
        pytest.param("message-lost-before-service", never_arrived, id="between app server and service"),
        pytest.param("message-lost-from-client", never_passed_on, id="in the service, from a client"),
        pytest.param("message-lost-before-server", never_received, id="between service and app server"),
    ],
)
def test_lost_messages_are_the_told_ones(play: Stage, name: str, missing: Callable[[Play], set[int]]) -> None:
    staged = play(name)
    lost = missing(staged)
    trace = int(staged.ask("trace").partition(" ")[0])
    assert (len(lost), trace in lost, len(lost) > 10) == (staged.cause("trace").size, True, True)


def test_a_message_lost_before_the_service_leaves_a_gap_in_the_counter(play: Stage) -> None:
    staged = play("message-lost-before-service")
    seen = sorted(staged.traced["from server"])
    gaps = {low + step for low, high in pairwise(seen) if low >> 32 == high >> 32 for step in range(1, high - low)}
    assert gaps == never_arrived(staged)


def test_a_warning_goes_with_each_message_that_the_service_admits_to_have_lost(play: Stage) -> None:
    staged = play("message-lost-in-service-warned")
    warned = {row["messageTracingId"] for row in staged.of("Message") if row["level"] == "Warning"}
    assert (warned == lost_in_service(staged), len(warned)) == (True, staged.cause("messages").size)


def test_one_broken_instance_leaves_out_its_own_clients_only(play: Stage) -> None:
    staged = play("message-lost-on-one-instance")
    cause = staged.cause("messages")
    assert cause.first and cause.last
    trace = int(staged.ask("trace"))
    group = staged.traced["from server"][trace][0]["groupName"]
    got = {row["connectionId"][-10:] for row in staged.traced["to client"][trace]}
    others = {
        row["connectionId"][-10:]
        for other, [sent] in staged.traced["from server"].items()
        if sent.get("groupName") == group and abs(sent["at"] - cause.first) < timedelta(minutes=30)
        for row in staged.traced["to client"][other]
    }
    assert len(others - got) == 1


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [
        pytest.param("group-race", 1, 3, id="by a second to three"),
        pytest.param("group-race-tie", 0, 0, id="within one second"),
    ],
)
def test_a_join_that_nobody_waits_for_arrives_after_the_greeting_made_after_it(
    play: Stage, name: str, least: int, most: int
) -> None:
    staged = play(name)
    sent = staged.traced["from server"]
    margins = [
        (row["at"] - sent[trace + 1][0]["at"]).total_seconds()
        for trace, [row] in sent.items()
        if row["messageType"] == "JoinGroupWithAckMessage"
        and trace + 1 in sent
        and sent[trace + 1][0]["messageType"] == "GroupBroadcastDataMessage"
        and sent[trace + 1][0]["groupName"] == row["groupName"]
        and sent[trace + 1][0]["connectionId"] == row["connectionId"]
    ]
    # A join that came first is an ordinary one, whose room heard of something else later.
    late = [margin for margin in margins if margin >= least]
    assert (len(late) > 50, max(late)) == (True, most)


def test_diagnostic_clients_alone_show_all_four_legs_of_what_they_cause(play: Stage) -> None:
    staged = play("messages-diagnostic-clients")
    legs = staged.traced
    callers = {row["userId"] for rows in legs["from client"].values() for row in rows}
    everyone = {row["userId"] for row in staged.of("Connection")}
    up, down = (int(truth.ask.removeprefix("trace ")) for truth in staged.told.truths[-2:])
    assert (
        len(callers) < len(everyone) / 5,
        legs["from client"].keys() == legs["to server"].keys(),
        up in legs["from client"] and up in legs["to server"],
        down in legs["from server"] and down in legs["to client"],
        [text for text in staged.app_log if str(up) in text],
        [text.partition(str(down))[0] for text in staged.app_log if str(down) in text],
    ) == (
        True,
        True,
        True,
        True,
        [f"Received message {up} from client connection {legs['from client'][up][0]['connectionId']}."],
        ["Start to broadcast message ", "Succeeded to send message "],
    )


def test_the_app_servers_log_tells_of_its_connections(play: Stage) -> None:
    staged = play("server-connection-lost-with-app-log")
    servers = [row for row in staged.rows if row["connectionType"] == "Server"]
    [lost] = [row["connectionId"] for row in servers if row["operationName"] == "ConnectionAborted"]
    [new] = [row["connectionId"] for row in servers if row["operationName"] == "ConnectionStarted"]
    hub = servers[0]["hub"]
    assert staged.app_log == [
        f"Connection to service '(Primary)https://chat-prod.example.com(hub={hub})' timeout. 30000.00ms elapsed "
        f"without receiving a message from service. Id: {lost}",
        f"Service connection {new} connected.",
    ]


def test_a_scenario_with_an_app_log_gives_the_same_bytes_again(play: Stage, tmp_path: Path) -> None:
    stage(tmp_path, "trace-all-paths")
    assert {path.name: path.read_bytes() for path in tmp_path.rglob("*.*") if path.is_file()} == {
        path.name: path.read_bytes() for path in play("trace-all-paths").out.rglob("*.*") if path.is_file()
    }


@pytest.mark.parametrize(
    ("event", "line"),
    [
        pytest.param(events.ended(), "info: {}[14]\n      Service connection L closed.", id="closed by the service"),
        pytest.param(
            events.aborted(events.RELOAD_SERVER),
            "warn: {}[27]\n      Connection L received error message from service: "
            "Service reloading, please reconnect.",
            id="the service reloads",
        ),
        pytest.param(
            events.aborted(events.SERVER_DROPPED),
            "info: {}[4]\n      Connection to '(Primary)https://chat-prod.example.com(hub=chathub)' was dropped, "
            "probably caused by network instability or service restart. Will reconnect after the back off period. "
            "Error detail: The remote party closed the WebSocket connection "
            "without completing the close handshake.. Id: L.",
            id="cut",
        ),
    ],
)
def test_how_an_app_server_learns_of_the_end_of_its_connection(tmp_path: Path, event: Event, line: str) -> None:
    log = AppLog(tmp_path / "app.log", Style.CONSOLE, START, Clock())
    server = AppServer("westeurope", "203.0.113.10", 0, ("chathub",))
    log.closed(ServerConnection("L", server, "chathub", Instance(0, "westeurope", "0"), 0), event)
    log.save()
    logger = "Microsoft.Azure.SignalR.ServiceConnection"
    assert (tmp_path / "app.log").read_text() == f"2026-03-02T08:00:00.000Z {line.format(logger)}\n"


def test_a_fault_about_messages_needs_messages(tmp_path: Path) -> None:
    world = World(tmp_path, plan_for(2_000, 1, START), 1)
    with pytest.raises(ValueError, match="fault loss: there are no messages without a fault of kind tracing"):
        messaging_of(world, Act("loss", world.clock, 0))
