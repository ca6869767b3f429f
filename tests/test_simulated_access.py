"""What the scenarios of tokens, limits and modes leave in an archive, held against what they tell."""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from datetime import UTC, datetime, timedelta

import pytest

from bot.simulator.faults.access.audiences import mistaken
from tests.plays import Stage, stage_once

MIDNIGHT = datetime(2026, 3, 3, tzinfo=UTC)
URL = "https://chat-prod.example.com/client/?hub="


@pytest.fixture(scope="module")
def play(tmp_path_factory: pytest.TempPathFactory) -> Stage:
    return stage_once(tmp_path_factory.mktemp)


AUDIENCES = {
    "auth-wrong-hub": (f"{URL}dashboards", f"{URL}reports"),
    "auth-hub-case": (f"{URL}dashboards", f"{URL}Dashboards"),
    "auth-trailing-slash": (f"{URL}notifications", f"{URL}notifications/"),
    "auth-missing-prefix": (f"{URL}shop_notifications", f"{URL}notifications"),
    "auth-http-scheme": (f"{URL}chathub", f"{URL}chathub".replace("https", "http")),
    "auth-rest-token": (f"{URL}dashboards", "https://chat-prod.example.com/api/hubs/dashboards"),
    "auth-several-audiences": (
        f"{URL}chathub, https://chat.example.com/client/?hub=chathub",
        "https://proxy.example.com/client/?hub=chathub",
    ),
}


@pytest.mark.parametrize("name", AUDIENCES)
def test_a_wrong_audience_is_logged_with_both_sides_and_counted(play: Stage, name: str) -> None:
    expected, actual = AUDIENCES[name]
    text = f"Failed to validate audience. Expected Audiences: {expected}. Actual Audiences: {actual}"
    refused = play(name).of("Authorization")
    times = [row["at"] for row in refused]
    cause = play(name).cause("auth")
    assert ({row["message"] for row in refused}, cause.code, cause.first, cause.last) == (
        {text},
        "wrong-audience",
        times[0],
        times[-1],
    )
    # The pipeline loses nothing here, so every refusal that happened is in the archive.
    assert (cause.size, {row["operationName"] for row in refused}) == (len(refused), {"AuthorizationFailed"})


def test_with_one_bad_app_server_in_three_most_who_are_refused_get_in_on_another_try(
    play: Stage,
) -> None:
    staged = play("auth-one-server")
    starts = defaultdict(list)
    for row in staged.of("Connection"):
        if row["operationName"] == "ConnectionStarted":
            starts[row["userId"], row["callerIpAddress"]].append(row["at"])
    refused = [row for row in staged.of("Authorization") if row["userId"]]
    back = [
        any(
            timedelta() <= at - row["at"] < timedelta(minutes=1) for at in starts[row["userId"], row["callerIpAddress"]]
        )
        for row in refused
    ]
    assert (len(back) > 100, sum(back) > 0.9 * len(back)) == (True, True)


def test_a_refused_app_server_tries_from_one_address_on_all_hubs(play: Stage) -> None:
    refused = play("auth-server-connections").of("Authorization")
    assert (
        {(row["connectionType"], row["callerIpAddress"], row["location"]) for row in refused},
        Counter(row["hub"] for row in refused).keys(),
        len({row["connectionId"] for row in refused}) == len(refused) > 100,
        play("auth-server-connections").cause("auth").shared,
    ) == (
        {("Server", "203.0.113.99", "westeurope")},
        {"chathub", "notifications", "dashboards"},
        True,
        {"address": "203.0.113.99"},
    )


def test_who_is_refused_can_be_one_address(play: Stage) -> None:
    refused = play("auth-one-address").of("Authorization")
    cause = play("auth-one-address").cause("auth")
    assert ({row["callerIpAddress"] for row in refused}, len(refused)) == ({cause.shared["address"]}, cause.size)


def test_a_kept_token_is_refused_from_an_hour_after_the_user_first_came(play: Stage) -> None:
    staged = play("auth-expired")
    came: dict[str, datetime] = {}
    for row in staged.of("Connection"):
        came.setdefault(row["userId"], row["at"])
    early, wrong = [], []
    for row in staged.of("Authorization"):
        valid, now = re.findall(r"\(UTC\): '([^']+)'", row["message"])
        expiry = datetime.strptime(valid, "%m/%d/%Y %H:%M:%S").replace(tzinfo=UTC)
        if row["at"] < expiry or (row["userId"] and row["at"] - came[row["userId"]] < timedelta(hours=1)):
            early.append(row)
        if now != f"{row['at']:%m/%d/%Y %H:%M:%S}":
            wrong.append(row)
    assert (early, wrong, staged.cause("auth").size) == ([], [], 40 * 6)


def test_after_the_days_messages_nobody_gets_in_until_midnight(play: Stage) -> None:
    staged = play("message-quota-free-tier")
    cause = staged.cause("throttling")
    assert cause.first and cause.last
    cut = cause.first + timedelta(seconds=6)
    starts = [row["at"] for row in staged.rows if row["operationName"] == "ConnectionStarted"]
    refusals = staged.of("Throttling")
    ends = {row["message"] for row in staged.of("Connection") if cause.first <= row["at"] < cut}
    assert (
        [at for at in starts if cut < at < MIDNIGHT],
        min(at for at in starts if at > cut) - MIDNIGHT < timedelta(minutes=2),
        {row["message"] for row in refusals},
        all(cause.first <= row["at"] < MIDNIGHT for row in refusals),
        "Connection aborted. Reason: Message count reaches limit" in ends,
        staged.told.quota,
    ) == ([], True, {"Message count reaches limit"}, True, True, 20)


@pytest.mark.parametrize(
    ("name", "texts"),
    [
        pytest.param("diagnostic-limit", {"Diagnostic client count reaches limit"}, id="the diagnostic limit, logged"),
        pytest.param("diagnostic-limit-unlogged", set(), id="the diagnostic limit, without a row"),
        pytest.param("negotiate-burst", set(), id="too many negotiate calls, without a row"),
        pytest.param(
            "negotiate-burst-logged",
            {"Too many negotiate requests, try again later."},
            id="too many negotiate calls, logged",
        ),
    ],
)
def test_limits_without_a_public_text_leave_invented_rows_or_none(play: Stage, name: str, texts: set[str]) -> None:
    assert {row["message"] for row in play(name).of("Throttling")} == texts


def test_a_negotiate_limit_lets_in_so_many_a_second_below_the_quota(play: Stage) -> None:
    starts = [
        row
        for row in play("negotiate-burst").rows
        if row["operationName"] == "ConnectionStarted" and row["connectionType"] == "Client"
    ]
    assert max(Counter(row["at"] for row in starts).values()) == 6


def test_serverless_clients_enter_with_a_row_of_their_own(play: Stage) -> None:
    by_operation = defaultdict(set)
    for row in play("serverless-normal").rows:
        by_operation[row["operationName"]].add(row["connectionId"])
    assert (
        by_operation["ServerlessModeEntered"] == by_operation["ConnectionStarted"] != set(),
        {row["connectionType"] for row in play("serverless-normal").rows},
    ) == (True, {"Client"})


def test_in_classic_mode_only_those_enter_serverless_who_come_while_no_app_server_is_there(
    play: Stage,
) -> None:
    staged = play("classic-mode-flip")
    entered = [row for row in staged.rows if row["operationName"] == "ServerlessModeEntered"]
    lost = [
        row["at"]
        for row in staged.rows
        if row["connectionType"] == "Server" and row["operationName"] == "ConnectionAborted"
    ]
    back = [row["at"] for row in staged.rows if row["connectionType"] == "Server" and row["at"] > max(lost)]
    assert (len(entered), all(min(lost) <= row["at"] <= max(back) for row in entered)) == (
        staged.cause("clients").size,
        True,
    )


def test_a_mistake_that_nobody_makes_is_refused() -> None:
    with pytest.raises(ValueError, match="no mistake 'typo'"):
        mistaken("typo", "client", "chathub")
