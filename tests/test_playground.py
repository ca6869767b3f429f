"""The demo in chat: simulated logs chosen, asked and checked, through the real Bolt app and the real simulator."""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import AsyncIterator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import chain
from pathlib import Path

import pytest
from aiohttp import web

from bot import catalog
from bot.app import build, open_client
from bot.core import Core
from bot.engines.embedded import EmbeddedEngine
from bot.errors import BotError, UsageError
from bot.model import Cause, Confidence, Family, Page, Report, Verdict
from bot.playground import Playground, faults, pages
from bot.playground.archives import FOLDER_PREFIX, MOST_KEPT, Archives
from bot.render import blocks
from bot.settings import Settings
from bot.simulator import CauseTold, Truth
from handlers.http import EVENTS, Readiness, web_app
from handlers.jobs import Jobs
from tests.standins import block_kit, reports, slack
from tests.standins.slack import Shown, Slack

NOW = datetime(2026, 11, 23, 10, 20, tzinfo=UTC)
MINUTE = timedelta(minutes=1)
KNOWN = catalog.load()
QUIET, SMALL = "quiet-night", "app-server-crash"
PATIENT_S = 60


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders go."""
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    return place


@pytest.fixture
async def playground(disk: Path, tmp_path: Path) -> AsyncIterator[Playground]:
    core = Core(KNOWN, EmbeddedEngine(tmp_path), lambda: NOW, MINUTE)
    made = Playground(core, KNOWN, lambda: NOW, MINUTE)
    yield made
    await made.close()
    await core.close()


@pytest.fixture
async def archives(disk: Path) -> AsyncIterator[Archives]:
    made = Archives(KNOWN, lambda: NOW, MINUTE)
    yield made
    await made.close()


def content(place: Path) -> dict[Path, bytes]:
    return {path.relative_to(place): path.read_bytes() for path in place.rglob("*") if path.is_file()}


def folders(disk: Path) -> int:
    return len(list(disk.glob(f"{FOLDER_PREFIX}*")))


async def report(playground: Playground, line: str) -> Report:
    found = await playground.answer(line, UTC)
    assert isinstance(found, Report)
    return found


async def page(playground: Playground, line: str) -> Page:
    found = await playground.answer(line, UTC)
    assert isinstance(found, Page)
    return found


async def test_a_newcomer_chooses_asks_follows_a_step_and_reads_the_truth(playground: Playground) -> None:
    async with slack.slack() as stand_in, AsyncExitStack() as stack:
        settings = Settings(
            slack_bot_token=slack.BOT_TOKEN, slack_signing_secret=slack.SECRET, slack_api_url=stand_in.api_url
        )
        client, jobs = await stack.enter_async_context(open_client(settings)), Jobs()
        app = build(playground, settings, client, jobs)
        runner = web.AppRunner(web_app(app, slack.SECRET, Readiness("")), access_log=None, shutdown_timeout=1)
        await runner.setup()
        stack.push_async_callback(runner.cleanup)
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        stand_in.bot_url = f"http://127.0.0.1:{runner.addresses[0][1]}{EVENTS}"

        async def said(begun: Awaitable[object]) -> Shown:
            seen = len(stand_in.shown)
            await begun
            return await last(stand_in, seen)

        menu = await said(stand_in.command("demo"))
        chosen = await said(stand_in.click(menu, "run:0"))
        drops = await said(stand_in.click(chosen, "run:0"))
        step = await said(stand_in.click(drops, "run:1"))
        told = next(name for name, command in step.buttons.items() if command.endswith(" truth"))
        truth = await said(stand_in.click(step, told))
        await stand_in.click(drops, "share")
        await stand_in.until(lambda: stand_in.shown[-1].only_for == "", PATIENT_S)
        shared = stand_in.shown[-1]
        await jobs.drain(timedelta(seconds=10))

    whole = "--from 2026-11-23T08:00:00Z --to 2026-11-23T10:00:00Z"
    assert (
        [menu.text, chosen.text, truth.text],
        [chosen.buttons["run:0"], drops.buttons["share"], step.buttons["kql"]],
        [each.text.startswith("Simulated: ") for each in (drops, step, shared)],
        stand_in.problems,
    ) == (
        ["Simulated logs to practise on", f"The logs of {SMALL} are ready", f"What really happened: {SMALL}"],
        [f"demo {SMALL} drops", f"demo {SMALL} drops {whole}", f"demo {SMALL} servers {whole}"],
        [True, True, True],
        [],
    )


async def last(stand_in: Slack, place: int) -> Shown:
    """The first message from `place` on that is more than a word to wait."""
    waiting = ("Looking into it", "Still waiting")

    def answers() -> list[Shown]:
        return [each for each in stand_in.shown[place:] if not each.text.startswith(waiting)]

    await stand_in.until(lambda: bool(answers()), PATIENT_S)
    return answers()[0]


@pytest.mark.parametrize(
    ("line", "title"),
    [
        pytest.param("demo", "Simulated logs to practise on", id="the word alone"),
        pytest.param("/signalr DEMO", "Simulated logs to practise on", id="as typed in Slack, in capitals"),
        pytest.param("help demo", "Simulated logs to practise on", id="help about it"),
        pytest.param("`demo help`", "Simulated logs to practise on", id="copied with its code ticks"),
        pytest.param("demo healthy", "Days on which nothing is wrong", id="a topic"),
        pytest.param(f"demo {QUIET}", f"The logs of {QUIET} are ready", id="a scenario"),
        pytest.param(f"*demo* {QUIET.replace('-', '_').upper()}.", f"The logs of {QUIET} are ready", id="odd spelling"),
        pytest.param(f"demo\n{QUIET}\ntruth", f"What really happened: {QUIET}", id="over three lines"),
        pytest.param(f"demo {QUIET} help drops", "drops", id="help within the simulated logs"),
        pytest.param("help", "What you can ask", id="help about everything is still the Core's"),
    ],
)
async def test_a_page_for(playground: Playground, line: str, title: str) -> None:
    assert (await page(playground, line)).title == title


async def test_help_about_everything_names_the_demo(playground: Playground) -> None:
    found = await page(playground, "help")
    assert (("demo", "choose what goes wrong, then ask") in found.lines, found.next_steps[-1].command) == (True, "demo")


async def test_what_is_ready_to_be_asked_does_not_give_the_truth_away(playground: Playground) -> None:
    chosen, told = await page(playground, f"demo {SMALL}"), await page(playground, f"demo {SMALL} truth")
    story, cause = told.lines[0][1], "app-server-crashed"
    words = str(chosen).replace(f"demo {SMALL}", "")
    assert (story in words, cause in words, cause in str(told), chosen.next_steps[-1].command) == (
        False, False, True, f"demo {SMALL} truth",
    )  # fmt: skip


async def test_a_report_says_that_it_is_simulated_and_all_its_commands_stay_there(playground: Playground) -> None:
    found = await report(playground, f"demo {SMALL} drops 30m")
    commands = [found.command, *(step.command for step in found.next_steps)]
    assert (
        found.command,
        [line for line in commands if not line.startswith(f"demo {SMALL} ")],
        found.notes[0],
        found.provisional_until,
        replace(await report(playground, found.command), kql=(), total=found.total, engine=found.engine),
    ) == (
        f"demo {SMALL} drops --from 2026-11-23T09:30:00Z --to 2026-11-23T10:00:00Z",
        [],
        f"Simulated logs ({SMALL}), from 2026-11-23 08:00:00 UTC to 2026-11-23 10:00:00 UTC:"
        " made up from start to end.",
        None,
        replace(found, kql=()),
    )


async def test_explained_lines_are_not_simulated_but_lead_back_to_the_logs(playground: Playground) -> None:
    found = await report(playground, f'demo {QUIET} explain "Connection ping timeout" isn\'t <b>')
    steps = [step.command for step in found.next_steps if not step.command.startswith(f"demo {QUIET} ")]
    said = (found.headline + "".join(found.notes)).count("imulated")
    assert (found.command, steps, said) == (
        f'demo {QUIET} explain "\\"Connection ping timeout\\" isn\'t &lt;b&gt;"', [], 0,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("line", "message", "near"),
    [
        pytest.param("demo app-servr-crash drops", "There is no simulated fault “app-servr-crash”.",
                     "demo app-server-crash drops", id="a slip keeps the question"),
        pytest.param("demo drops 2h", "Which simulated logs is “drops” about? Choose what goes wrong first.",
                     "demo app-server-crash drops 2h", id="a question without a fault"),
        pytest.param("demo ../../etc/passwd", "There is no simulated fault “../../etc/passwd”.", "demo", id="a path"),
        pytest.param("demo &lt;!channel&gt; x", "There is no simulated fault “<!channel>”.", "demo", id="a mention"),
        pytest.param(f"demo {'x' * 5_000}", f"There is no simulated fault “{'x' * 60}…”.", "demo", id="far too long"),
        pytest.param("demo zz\x00\x1b[31m \x07", "There is no simulated fault “zz��[31m”.", "demo",
                     id="control characters"),
        pytest.param("demo __init__", "There is no simulated fault “__init__”.", "demo", id="a file that is no fault"),
        pytest.param(f"demo {QUIET} drop", "There is no subcommand “drop”.", f"demo {QUIET} drops",
                     id="a slip in the question stays in the demo"),
        pytest.param(f"demo {QUIET} trace 7 --log app-server.log",
                     f"The simulated logs of {QUIET} have no app-server log.", "", id="a log that is not there"),
        pytest.param(f"demo {QUIET} trace 7 --log /etc/passwd", "trace has no option “--log”.", "",
                     id="no file of this machine is read"),
    ],
)  # fmt: skip
async def test_what_cannot_be_used_ends_in_words_and_lines_that_work(
    playground: Playground, line: str, message: str, near: str
) -> None:
    with pytest.raises(UsageError) as refused:
        await playground.answer(line, UTC)
    shown = blocks.sorry(refused.value)
    problems = block_kit.problems({"text": shown.text, "blocks": shown.blocks})
    assert (refused.value.message, near in ("", *refused.value.suggestions), problems) == (message, True, [])


async def test_the_app_servers_log_comes_with_the_question_that_names_it(playground: Playground) -> None:
    chosen = await page(playground, "demo message-lost-before-server")
    line = next(left for left, _ in chosen.lines if left.endswith(" --log app-server.log"))
    with_log = await report(playground, line)
    without = await report(playground, line.removesuffix(" --log app-server.log"))
    assert (with_log.command, with_log.verdict == without.verdict) == (
        f"{without.command} --log app-server.log",
        False,
    )


@pytest.mark.parametrize(
    ("line", "needs"),
    [
        (f"demo {QUIET} drops --at 14:05", True),
        (f"demo {QUIET} drops 2h", False),
        ("demo", False),
        ("drops --at 14:05", True),
    ],
)
def test_the_askers_zone_matters_for(playground: Playground, line: str, needs: bool) -> None:
    assert playground.needs_zone(line) is needs


def test_every_fault_is_listed_once_and_every_list_fits_a_message() -> None:
    listed = [pages.topic(name) for name in pages.TOPICS]
    messages = [blocks.page(each) for each in (pages.menu(), *listed)]
    cut = [each.left_out for each in messages if each.left_out]
    wrong = chain.from_iterable(block_kit.problems({"text": each.text, "blocks": each.blocks}) for each in messages)
    names = sorted(left.removeprefix("demo ") for each in listed for left, _ in each.lines if left)
    steps = [step.command for each in (pages.menu(), *listed) for step in each.next_steps]
    strange = [command for command in steps if command.removeprefix("demo ") not in faults()]
    assert (names, cut, list(wrong), strange, {*pages.TOPICS} & {*faults()}) == (sorted(faults()), [], [], [], set())


CRASH = CauseTold("app", "app-server-crashed", NOW, NOW + MINUTE, 12, {"address": "203.0.113.9"}, "app")
LEAK = CauseTold("leak", "client-connection-leak", None, None, 0, {}, "app")
CRASHED = Cause(Family.APP, "app-server-crashed", Confidence.HIGH)


@pytest.mark.parametrize(
    ("causes", "also", "verdict", "cause", "ending"),
    [
        pytest.param((CRASH,), (), Verdict.FINDING, CRASHED, "The two agree.", id="the same cause"),
        pytest.param((CRASH, LEAK), (), Verdict.FINDING, CRASHED, "The bot leaves a cause out.", id="one of two"),
        pytest.param((LEAK,), (), Verdict.FINDING, CRASHED, "The two differ.", id="another cause"),
        pytest.param((), ("app/app-server-crashed",), Verdict.FINDING, CRASHED, "The two agree.",
                     id="a cause that is true and need not be named"),
        pytest.param((CRASH,), (), Verdict.UNDECIDED, None, "The two differ.", id="no verdict where there is one"),
    ],
)  # fmt: skip
async def test_the_bots_answer_is_held_against_the_truth(
    archives: Archives,
    causes: tuple[CauseTold, ...],
    also: tuple[str, ...],
    verdict: Verdict,
    cause: Cause | None,
    ending: str,
) -> None:
    said = replace(reports.finding_report(), verdict=verdict, cause=cause, further=())
    async with archives.open(QUIET) as archive:
        found = pages.truth(archive, [(Truth("drops", ("finding",), causes, (), also), said)])
    assert [found.lines[-1][1].endswith(ending), found.lines[-3]] == [True, (f"demo {QUIET} drops", "")]


async def test_a_failed_answer_stands_beside_the_truth_in_words(archives: Archives) -> None:
    async with archives.open(QUIET) as archive:
        found = pages.truth(archive, [(Truth("drops", ("undecided",), (CRASH,), ("Message",)), BotError("No."))])
    assert [right for _, right in found.lines[-2:]] == [
        "True: the logs cannot decide. app/app-server-crashed, 12 client connections, from 2026-11-23 10:20:00 UTC to"
        " 2026-11-23 10:21:00 UTC, owner: app, address: 203.0.113.9. Not logged: Message.",
        "The bot: could not answer. No.",
    ]


async def test_only_the_archives_used_last_stay_on_disk_and_a_written_one_is_kept(
    archives: Archives, disk: Path
) -> None:
    names = faults()[: MOST_KEPT + 1]
    first: set[str] = set()
    again: set[str] = set()
    for name in names[:MOST_KEPT]:
        async with archives.open(name) as archive:
            first.add(archive.folder.name)
    for name in (names[0], names[MOST_KEPT], *names[2:MOST_KEPT], names[0]):
        async with archives.open(name) as archive:
            again.add(archive.folder.name)
    assert (folders(disk), len(again - first)) == (MOST_KEPT, 1)


async def test_an_archive_in_use_is_not_removed(archives: Archives, disk: Path) -> None:
    async with AsyncExitStack() as stack:
        for name in faults()[: MOST_KEPT + 1]:
            await stack.enter_async_context(archives.open(name))
        while_used = folders(disk)
    assert (while_used, folders(disk)) == (MOST_KEPT + 1, MOST_KEPT)


async def test_an_archive_written_again_later_has_the_same_times_and_bytes(disk: Path) -> None:
    clock = [NOW, NOW + timedelta(hours=7)]
    made = Archives(KNOWN, lambda: clock.pop(0), MINUTE)
    contents = []
    for _ in range(2):
        async with made.open(QUIET) as archive:
            contents.append(content(Path(archive.folder.name)))
        await made.close()
    assert (contents[0] == contents[1], len(contents[0]) > 1, clock, folders(disk)) == (True, True, [], 0)


async def test_two_who_ask_at_once_share_one_archive_and_one_who_leaves_takes_nothing_along(
    archives: Archives, disk: Path
) -> None:
    async def opened() -> str:
        async with archives.open(QUIET) as archive:
            return archive.folder.name

    leaving, staying, other = (asyncio.create_task(opened()) for _ in range(3))
    await asyncio.sleep(0)
    leaving.cancel()
    same = await asyncio.gather(staying, other)
    assert (len(set(same)), leaving.cancelled(), folders(disk)) == (1, True, 1)


async def test_closing_removes_every_folder_also_of_an_archive_still_being_written(disk: Path) -> None:
    made = Archives(KNOWN, lambda: NOW, MINUTE)
    async with made.open(SMALL):
        kept = folders(disk)
    asking = asyncio.create_task(made.open(QUIET).__aenter__())
    await asyncio.sleep(0)
    asking.cancel()
    await made.close()
    assert (kept, folders(disk)) == (1, 0)


async def test_a_full_disk_ends_in_words_and_the_next_try_starts_afresh(
    playground: Playground, disk: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tempfile, "tempdir", str(disk / "missing"))
    with pytest.raises(BotError) as failed:
        await playground.answer(f"demo {QUIET}", UTC)
    monkeypatch.setattr(tempfile, "tempdir", str(disk))
    assert (failed.value.message, (await page(playground, f"demo {QUIET}")).title) == (
        "The simulated logs cannot be written: No such file or directory.",
        f"The logs of {QUIET} are ready",
    )
