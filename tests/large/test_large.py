"""Steps of very many ops, deep and wide, are judged right, freed without a crash and told in reports of a bounded size."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

_PROGRAM = Path(__file__).with_name("program.py")
_MILLION = 1_000_000
_PART = 60_000  # a chain whose destructor is recursive crashes from 40,000 on
_RIGHT = [["GF101", "leaking"], ["GF201", "lost"]]


def judged(shape: str, ops: int, door: str, end: str, folder: Path) -> tuple[list[list[str]], str]:
    """Run the program through a door; return the errors found and the text of the report."""
    reports = [str(folder / f"report.{suffix}") for suffix in ("json", "html", "svg")]
    ours = ["-m", "gradcheck_freeze", "run", "--frozen", "leaking", *(f"--output={r}" for r in reports)]
    given = [str(_PROGRAM), shape, str(ops), door, end]
    done = subprocess.run(
        [sys.executable, *(ours if door == "run" else ()), *given, *(() if door == "run" else reports)],
        env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == (door == "run"), done.stderr  # a crash has a negative status
    sizes = [Path(report).stat().st_size for report in reports]
    assert max(sizes) < 300_000, sizes
    document = json.loads(Path(reports[0]).read_text())
    assert document["window"]["ops"] >= ops
    found = sorted([f["rule"], f["where"]] for f in document["findings"] if f["severity"] == "error")
    lines = done.stderr.count("\n") if door == "run" else json.loads(done.stdout)["lines"]
    assert lines < 60
    return found, done.stderr


@pytest.mark.parametrize(
    ("door", "end"),
    [
        ("run", "dropped"),
        ("run", "exit"),
        ("watch", "thread"),
        ("watch", "exit"),
        ("diagnose", "exit"),
        ("diagnose", "thread"),
    ],
)
def test_a_deep_step_is_judged_and_freed_however_its_graph_ends(door: str, end: str, tmp_path: Path) -> None:
    found, text = judged("deep", _PART, door, end, tmp_path)
    assert found == _RIGHT, text


@pytest.mark.parametrize(
    ("shape", "door", "end"), [("list", "run", "thread"), ("tree", "watch", "exit"), ("list", "diagnose", "exit")]
)
def test_a_wide_step_is_judged_and_freed_however_its_graph_ends(
    shape: str, door: str, end: str, tmp_path: Path
) -> None:
    found, text = judged(shape, _PART, door, end, tmp_path)
    assert found == _RIGHT, text


@pytest.mark.parametrize(("shape", "door", "end"), [("deep", "watch", "thread"), ("list", "diagnose", "dropped")])
def test_a_million_ops_are_judged_and_freed(shape: str, door: str, end: str, tmp_path: Path) -> None:
    found, text = judged(shape, _MILLION, door, end, tmp_path)
    assert found == _RIGHT, text
