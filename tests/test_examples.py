"""The examples run as they would without the tool, and get the verdict that the README tells of them."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLES = Path(__file__).resolve().parent.parent / "examples"
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}


def run(script: str, folder: Path, *options: str) -> tuple[subprocess.CompletedProcess[str], dict]:
    report = folder / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", "-o", str(report), *options, script],
        cwd=EXAMPLES, env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    return done, json.loads(report.read_text())


NEED_MORE = {"plan_70b.py"}  # transformers and peft: run in tests/trainers


@pytest.mark.parametrize("script", sorted({path.name for path in EXAMPLES.glob("*.py")} - NEED_MORE))
def test_output_is_that_of_plain_python(script: str, tmp_path: Path) -> None:
    plain = subprocess.run(
        [sys.executable, script], cwd=EXAMPLES, env=ENVIRONMENT, capture_output=True, text=True, check=True
    )
    watched, _ = run(script, tmp_path, "--fail-on", "never")
    assert (watched.stdout, watched.returncode) == (plain.stdout, 0)


@pytest.mark.parametrize(
    ("script", "rule", "where", "text"),
    [
        ("story_leak.py", "GF105", "encoder", "optimizer = "),
        ("story_detached.py", "GF201", "generator", ".detach()"),
        ("story_no_grad.py", "GF202", "generator", "no_grad"),
    ],
)
def test_a_broken_story_is_told_with_its_line(script: str, rule: str, where: str, text: str, tmp_path: Path) -> None:
    _, report = run(script, tmp_path)
    (finding,) = report["findings"]
    assert (finding["rule"], finding["where"]) == (rule, where)
    assert text in finding["cause"]["text"]
    assert finding["cause"]["path"] == script


def test_the_leak_is_an_error_under_a_contract(tmp_path: Path) -> None:
    done, report = run("story_leak.py", tmp_path, "--frozen", "encoder")
    assert done.returncode == 1
    assert [(f["rule"], f["severity"], f["where"]) for f in report["findings"]] == [("GF101", "error", "encoder")]
    assert report["findings"][0]["cause"]["line"] > 0


@pytest.mark.parametrize("options", [(), ("--frozen", "encoder", "--trainable", "generator")])
def test_the_right_program_is_clean_with_and_without_a_contract(options: tuple[str, ...], tmp_path: Path) -> None:
    done, report = run("story_right.py", tmp_path, *options)
    assert report["findings"] == []
    assert done.returncode == 0


def test_a_pattern_that_matches_nothing_names_the_nearest(tmp_path: Path) -> None:
    done, report = run("story_right.py", tmp_path, "--frozen", "encodr")
    assert done.returncode == 2
    assert "encoder" in done.stderr
    assert report["losses"]
