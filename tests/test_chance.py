"""When so many are more than chance."""

from __future__ import annotations

import pytest

from bot.interpret import chance


@pytest.mark.parametrize(
    ("seen", "expected", "more"),
    [
        pytest.param(0, 0.0, False, id="none is never more"),
        pytest.param(1, 0.0, True, id="one where none is usual"),
        pytest.param(1, 0.05, False, id="one where one in twenty is usual"),
        pytest.param(12, 10.0, False, id="a few more"),
        pytest.param(20, 10.0, True, id="twice as many"),
        pytest.param(1040, 1000.0, False, id="a little more of a thousand"),
        pytest.param(1100, 1000.0, True, id="a tenth more of a thousand"),
    ],
)
def test_more_than_chance(seen: int, expected: float, more: bool) -> None:
    assert chance.is_more(seen, expected) is more
