"""How soon the bot acknowledges a command, against a bare Bolt app that does nothing else.

Both are served by aiohttp in a process of their own. The bot also answers: it lays a report out and posts it to the
response URL while it goes on acknowledging. A round is over when its answers are there.
`python -m tests.bench.ack` prints the ratios.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import tzinfo
from pathlib import Path
from statistics import quantiles

from aiohttp import web
from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.app import build, open_client
from bot.model import Report
from bot.settings import Settings
from handlers.http import EVENTS, Readiness, web_app
from tests.standins import reports, slack

ROOT = Path(__file__).parent.parent.parent
WARM_UP, ROUNDS = 5, {1: 200, 50: 10}


@dataclass(frozen=True, slots=True)
class Latency:
    """Acknowledgement times in milliseconds."""

    p50: float
    p99: float


class ReadyCore:
    """A core that knows the answer at once: what is measured is the Slack face."""

    def needs_zone(self, _line: str) -> bool:
        return False

    async def answer(self, _line: str, _zone: tzinfo) -> Report:
        return reports.finding_report()


async def measure() -> Mapping[str, float]:
    """Ratios of the bot's acknowledgement time to the bare app's, by percentile and commands at once."""
    found: dict[str, float] = {}
    for at_once in ROUNDS:
        bare, ours = await _latency("bare", at_once), await _latency("ours", at_once)
        found[f"ack p50, {at_once} at once"] = ours.p50 / bare.p50
        found[f"ack p99, {at_once} at once"] = ours.p99 / bare.p99
        found[f"ack p99 in ms, {at_once} at once"] = ours.p99
    return found


async def _latency(which: str, at_once: int) -> Latency:
    async with slack.slack() as stand_in, _served(which, stand_in) as url:
        stand_in.bot_url = url
        took: list[float] = []
        for number in range(WARM_UP + ROUNDS[at_once]):
            answered = len(stand_in.shown) + (at_once if which == "ours" else 0)
            answers = await asyncio.gather(*(stand_in.command("why-dropped a") for _ in range(at_once)))
            if any(answer.status != 200 for answer in answers):
                raise RuntimeError(f"the {which} app did not acknowledge")
            await stand_in.until(lambda wanted=answered: len(stand_in.shown) >= wanted, 60)
            if number >= WARM_UP:
                took += [answer.took_s * 1000 for answer in answers]
    cuts = quantiles(took, n=100, method="inclusive")
    return Latency(cuts[49], cuts[98])


@asynccontextmanager
async def _served(which: str, stand_in: slack.Slack) -> AsyncIterator[str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "tests.bench.ack", which, stand_in.api_url, cwd=ROOT, stdout=asyncio.subprocess.PIPE
    )
    try:
        if process.stdout is None:
            raise RuntimeError("the served process has no output")
        yield f"http://127.0.0.1:{int(await process.stdout.readline())}{EVENTS}"
    finally:
        process.kill()
        await process.wait()


async def _serve(which: str, api_url: str) -> None:
    settings = Settings(slack_bot_token=slack.BOT_TOKEN, slack_signing_secret=slack.SECRET, slack_api_url=api_url)
    async with open_client(settings) as client:
        if which == "ours":
            served = web_app(build(ReadyCore(), settings, client), slack.SECRET, Readiness(""))
        else:
            bare = AsyncApp(client=client, signing_secret=slack.SECRET)

            @bare.command("/signalr")
            async def acknowledge(ack: AsyncAck) -> None:
                await ack()

            served = bare.web_app(path=EVENTS)
        runner = web.AppRunner(served, access_log=None)
        await runner.setup()
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        print(runner.addresses[0][1], flush=True)
        await asyncio.Event().wait()


def main(arguments: list[str]) -> None:
    if arguments:
        asyncio.run(_serve(*arguments))
        return
    for name, value in asyncio.run(measure()).items():
        print(f"{name}: {value:.2f}")


if __name__ == "__main__":
    main(sys.argv[1:])
