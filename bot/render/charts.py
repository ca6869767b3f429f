"""Small charts: Slack's own chart block, block characters for a terminal, a table for Markdown.

Limits of the block (two a message, a title of 50 characters, labels of 20, 20 points) are Slack's; sources disagree
whether it takes 6 series or 12, so 6 are drawn. Source: docs.slack.dev, reference/block-kit/blocks,
data-visualization-block.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from bot.model import Chart
from bot.render import wording
from bot.render.elements import Block

_TITLE, _LABEL, _AXIS = 50, 20, 50
_POINTS, _SERIES = 20, 6
_LEVELS = " \u2581\u2582\u2583\u2584\u2585\u2586\u2587\u2588"
_NAME = 26


def block(chart: Chart | None) -> list[Block]:
    """The chart as Slack's block; nothing when there is nothing to draw."""
    if chart is None or not chart.points or not chart.series:
        return []
    points = list(_told_apart(chart.points[:_POINTS]))
    names = list(_told_apart(each.name for each in chart.series[:_SERIES]))
    return [
        {
            "type": "data_visualization",
            "title": wording.cut(wording.line(chart.title), _TITLE) or wording.NOTHING,
            "chart": {
                "type": "bar" if len(names) < 2 else "line",
                "series": [
                    {
                        "name": name,
                        "data": [
                            {"label": label, "value": value} for label, value in zip(points, each.values, strict=False)
                        ],
                    }
                    for name, each in zip(names, chart.series, strict=False)
                ],
                "axis_config": {"categories": points, "y_label": wording.cut(wording.line(chart.unit), _AXIS)},
            },
        }
    ]


def lines(chart: Chart, width: int) -> Iterator[str]:
    """The chart as a line of block characters for each series, none wider than `width`; the last names the points."""
    names = [wording.cut(wording.line(each.name), _NAME) for each in chart.series]
    margin = max(map(len, names), default=0) + 2
    top = max((value for each in chart.series for value in each.values), default=0)
    # Room for the bars and for the peak behind them.
    each_point = max(1, min(3, (width - margin - 26) // max(len(chart.points), 1)))
    for name, each in zip(names, chart.series, strict=True):
        bars = "".join(_bar(value, top) * each_point for value in each.values)
        peak = max(range(len(each.values)), key=lambda index: each.values[index], default=None)
        said = "" if peak is None else f"  {each.values[peak]:,.6g} at {chart.points[peak]}"
        yield f"{name:<{margin}}{bars}{said if peak is not None and each.values[peak] else '  none'}"
    if chart.points:
        length = len(chart.points) * each_point
        first, last = chart.points[0], chart.points[-1]
        yield " " * margin + (f"{first}{last:>{max(length - len(first), len(last) + 1)}}" if first != last else first)


def _bar(value: float, top: float) -> str:
    if value <= 0 or top <= 0:
        return _LEVELS[0]
    return _LEVELS[max(1, round(value / top * (len(_LEVELS) - 1)))]


def _told_apart(labels: Iterable[str]) -> Iterator[str]:
    """`labels` as Slack takes them: short, not empty, and no two the same."""
    seen: set[str] = set()
    for label in labels:
        whole = wording.line(label)
        whole = whole if wording.size(whole) <= _LABEL else whole.replace("connection", "conn.")
        shown = wording.cut(whole, _LABEL) or wording.NOTHING
        number = 2
        while shown in seen:
            shown = f"{wording.cut(whole, _LABEL - 4)} {number}"
            number += 1
        seen.add(shown)
        yield shown
