"""Every case of tests/cases, on the real engine with the real queries and knowledge."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from bot import catalog, knowledge
from tests import cases

NAMES = sorted(path.stem for path in (knowledge.default_folder() / "investigations").glob("*.kql"))
CASES = [case for name in NAMES for case in cases.load(f"{name}*.toml")]


@pytest.mark.parametrize("case", CASES, ids=[case["name"] for case in CASES])
async def test_a_case_gives_what_it_states(case: dict[str, Any], tmp_path: Path) -> None:
    report = await cases.answer(
        tmp_path, case["rows"], case["ask"], now=case.get("now", cases.NOW), attached=case.get("attached", "")
    )
    assert cases.outcome(report) == cases.expected(case)


@pytest.mark.parametrize("name", NAMES)
def test_every_question_has_a_case_that_fires_and_one_that_stays_quiet(name: str) -> None:
    verdicts = {case["verdict"] for case in cases.load(f"{name}*.toml")}
    assert {"fires": "finding" in verdicts, "quiet": bool(verdicts & {"ok", "undecided", "no_data"})} == {
        "fires": True,
        "quiet": True,
    }


def test_every_knowledge_entry_is_found_by_some_case() -> None:
    # Files always hold some record; a workspace may hold none (tests/test_engines_agree.py).
    found = {code for case in CASES for code in case["finds"]} | {"no-logs"}
    known = {entry.code for table in catalog.load().knowledge.values() for entry in table.entries}
    assert known - found == set()
