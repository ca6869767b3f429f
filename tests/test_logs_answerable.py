"""The table of questions that `logs` shows is the catalog's."""

from __future__ import annotations

from bot import catalog
from bot.interpret.logs.answerable import NEEDS


def test_every_question_of_the_catalog_says_which_logs_it_needs() -> None:
    assert set(catalog.load().investigations) - set(NEEDS) == set()
