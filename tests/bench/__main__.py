"""`make bench`: one table of ratios, all measured in this run; exit status 1 when one is over its target."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Iterator, Mapping

from rich.console import Console
from rich.table import Table

from tests.bench import Row, ack, answer, engine, startup

# What a slash command's acknowledgement may take at p99 with 50 at once, of the three seconds Slack waits.
ACK_MILLISECONDS = 300


def acknowledging() -> list[Row]:
    """The acknowledgement's ratios, which come as ratios, and its times in ms against what it may take."""
    return [
        Row(name, amount, ACK_MILLISECONDS, "ms", 1.0) if " in ms" in name else Row(name, amount, 1.0, "x")
        for name, amount in asyncio.run(ack.measure()).items()
    ]


PARTS: Mapping[str, Callable[[], list[Row]]] = {
    "start-up": startup.measure,
    "acknowledging": acknowledging,
    "running KQL on a million records": engine.measure,
    "answering on a million records": answer.measure,
}


def measured(console: Console) -> Iterator[Row]:
    for what, measure in PARTS.items():
        console.print(f"Measuring {what} ...", highlight=False)
        yield from measure()


def table(rows: list[Row]) -> Table:
    shown = Table("What", "Ours", "Baseline", "Ratio", "At most", "", title="Ratios of one run on this machine")
    for column in shown.columns[1:5]:
        column.justify = "right"
    for row in rows:
        target = "" if row.target_ratio is None else f"{row.target_ratio:g}"
        shown.add_row(
            row.name,
            f"{row.ours:.3g} {row.unit}",
            f"{row.baseline:.3g} {row.unit}",
            f"{row.ratio:.2f}",
            target,
            row.verdict,
        )
    return shown


def main() -> int:
    console = Console()
    rows = list(measured(Console(stderr=True)))
    console.print(table(rows))
    return int(any(row.verdict == "over" for row in rows))


if __name__ == "__main__":
    sys.exit(main())
