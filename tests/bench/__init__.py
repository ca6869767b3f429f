"""What is measured, as ratios of one run: `make bench`."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Row:
    """One comparison: `ours` against `baseline`, both in `unit`.

    `target_ratio` is the most that `ours / baseline` may be; None where we only want to know.
    """

    name: str
    ours: float
    baseline: float
    unit: str
    target_ratio: float | None = None

    @property
    def ratio(self) -> float:
        return self.ours / self.baseline if self.baseline else float("inf")

    @property
    def verdict(self) -> str:
        if self.target_ratio is None:
            return ""
        return "ok" if self.ratio <= self.target_ratio else "over"
