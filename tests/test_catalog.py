"""What a query file must be like for the bot to start with it."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot import catalog, knowledge
from bot.errors import CatalogError

HEADER = """// Display name: A
// Description: B?
// Topic: Message
// Source: https://example.com
"""
TIME = "| where TimeGenerated between (window_start .. window_end)\n"
LOGS = "SignalRServiceDiagnosticLogs\n" + TIME + "| where isempty(resource_id) or _ResourceId =~ resource_id\n"


def folder(root: Path, step: str) -> Path:
    """A copy of queries/ in small: the coverage query, one investigation, and `step` as its only step."""
    (root / "investigations" / "trace").mkdir(parents=True)
    for name in ("coverage.kql", "investigations/trace.kql"):
        (root / name).write_text((knowledge.default_folder() / name).read_text(encoding="utf-8"))
    (root / "investigations" / "trace" / "step.kql").write_text(step)
    return root


@pytest.mark.parametrize(
    ("step", "optional"),
    [
        pytest.param(f"{HEADER}\n{LOGS}| take 1\n", False, id="the service's records"),
        pytest.param(f"{HEADER}// Table: AppTraces\n\nAppTraces\n{TIME}| take 1\n", True, id="another table"),
    ],
)
def test_a_step_on_another_table_is_optional(tmp_path: Path, step: str, optional: bool) -> None:
    steps = catalog.load(folder(tmp_path, step)).investigations["trace"].steps
    assert {name: each.optional for name, each in steps.items()} == {"step": optional}


@pytest.mark.parametrize(
    ("step", "words"),
    [
        pytest.param(f"{HEADER}\nAppTraces\n{TIME}| take 1\n", "does not start with SignalR", id="an undeclared table"),
        pytest.param(
            f"{HEADER}// Table: AppTraces\n\n{LOGS}| take 1\n",
            "does not start with AppTraces",
            id="not the table it says",
        ),
        pytest.param(
            f"{HEADER}\nSignalRServiceDiagnosticLogs\n{TIME}| take 1\n",
            "does not read resource_id",
            id="every resource",
        ),
        pytest.param(f"{HEADER}// Table: AppTraces\n\nAppTraces\n| take 1\n", "does not read window", id="no window"),
        pytest.param(f"{HEADER}\n{LOGS}", "must end with `take N`", id="no bound"),
        pytest.param(
            f"{HEADER}// Window: 1h\n\n{LOGS}| take 1\n", "not a header line", id="a header line it may not have"
        ),
    ],
)
def test_a_step_that_breaks_a_rule_stops_the_start(tmp_path: Path, step: str, words: str) -> None:
    with pytest.raises(CatalogError, match=words):
        catalog.load(folder(tmp_path, step))
