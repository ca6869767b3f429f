"""The machines that the service runs on."""

from __future__ import annotations

from dataclasses import dataclass

REGIONS = ("westeurope", "northeurope")
_PER_REGION = 3
INSTANCES = _PER_REGION * len(REGIONS)


@dataclass(slots=True, eq=False)
class Instance:
    """One machine; `suffix` ends the ids of its connections. While `draining` it takes no new ones."""

    number: int
    region: str
    suffix: str
    draining: bool = False


def region_of(number: int) -> str:
    """Where the instance with this number, from 0, stands."""
    return REGIONS[number // _PER_REGION]
