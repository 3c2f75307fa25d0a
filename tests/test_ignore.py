"""Findings that the author accepts are told, with the reason, and make nothing fail."""

import json
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
import torch
from torch import nn

from gradcheck_freeze import diagnose, watch
from gradcheck_freeze.api import Diagnosis, FlowError
from gradcheck_freeze.errors import ContractError
from gradcheck_freeze.settings import read_settings

PROGRAM = """
import torch
from torch import nn
torch.manual_seed(0)
body, head = nn.Linear(4, 8), nn.Linear(8, 2)
optimizer = torch.optim.SGD(body.parameters(), lr=0.1)
for step in range(4):
    loss = head(body(torch.randn(8, 4)).relu()).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
HEAD = {"rule": "GF207", "pattern": "head.*", "reason": "trained in the second stage"}


def two_stages(*entries: Mapping[str, str]) -> Diagnosis:
    """Watch a loop whose optimizer leaves out the head."""
    torch.manual_seed(0)
    body, head = nn.Linear(4, 8), nn.Linear(8, 2)
    optimizer = torch.optim.SGD(body.parameters(), lr=0.1)
    with watch({"body": body, "head": head}, optimizer, ignore=entries) as flow:
        for _ in range(3):
            optimizer.zero_grad()
            head(body(torch.randn(8, 4)).relu()).square().mean().backward()
            optimizer.step()
    return flow.diagnosis


def table(entry: Mapping[str, str]) -> str:
    return "[[tool.gradcheck-freeze.ignore]]\n" + "".join(f"{key} = {value!r}\n" for key, value in entry.items())


def test_a_finding_ignored_by_file_and_option_makes_nothing_fail_and_is_told_with_its_reasons(tmp_path: Path) -> None:
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "pyproject.toml").write_text(table({**HEAD, "pattern": "head.weight"}))
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "warning", "-o", "report.json",
         "--ignore", "GF207:head.bias=so is its bias", "program.py"],
        cwd=tmp_path, capture_output=True, text=True, check=False,
    )  # fmt: skip
    report = json.loads((tmp_path / "report.json").read_text())
    assert done.returncode == 0
    reasons = "trained in the second stage; so is its bias"
    assert f"1 finding ignored by configuration (GF207 head: {reasons})" in " ".join(done.stderr.split())
    assert [(f["rule"], f["ignored"]) for f in report["findings"]] == [("GF207", reasons)]
    assert {p["state"] for p in report["parameters"] if p["name"].startswith("head.")} == {"frozen"}
    assert report["unneeded_ignores"] == []


def test_a_finding_counts_as_long_as_one_parameter_of_it_is_not_covered() -> None:
    diagnosis = two_stages({**HEAD, "pattern": "head.weight"})
    assert [f.where for f in diagnosis.findings] == ["head"]
    assert (diagnosis.ignored, diagnosis.unneeded) == ((), ())
    with pytest.raises(FlowError):
        diagnosis.raise_for_findings("warning")


def test_an_ignored_finding_does_not_raise() -> None:
    diagnosis = two_stages(HEAD)
    diagnosis.raise_for_findings("note")
    assert diagnosis.findings == ()
    assert [(f.where, f.ignored) for f in diagnosis.ignored] == [("head", "trained in the second stage")]


def test_an_entry_that_no_finding_needs_is_told_and_makes_nothing_fail() -> None:
    diagnosis = two_stages(HEAD, {"rule": "detached-path", "pattern": "body", "reason": "once true"})
    assert [(e.rule, e.pattern) for e in diagnosis.unneeded] == [("GF201", "body")]
    assert "note: ignore GF201 'body' is no longer needed" in str(diagnosis)
    diagnosis.raise_for_findings("note")


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        ({"rule": "GF207", "pattern": "head.*"}, "has no reason"),
        ({**HEAD, "reason": " "}, "has no reason"),
        ({"pattern": "head.*", "reason": "x"}, "has no rule"),
        ({"rule": "GF207", "reason": "x"}, "has no pattern"),
        ({**HEAD, "why": "x"}, "the keys rule, pattern, reason"),
        ({**HEAD, "rule": "GF27"}, "there is no rule 'GF27'"),
    ],
)
def test_an_entry_that_cannot_be_obeyed_is_an_error_in_the_file_and_in_a_call(
    entry: Mapping[str, str], text: str, tmp_path: Path
) -> None:
    (tmp_path / "pyproject.toml").write_text(table(entry))
    with pytest.raises(ContractError, match=f"pyproject.toml: ignore: .*{text}"):
        read_settings(tmp_path, (), ())
    with pytest.raises(ContractError, match=text):
        two_stages(entry)


def test_a_pattern_that_fits_no_parameter_is_an_error_with_the_nearest_names() -> None:
    with pytest.raises(ContractError, match=r"ignore GF207 'haed' matches no parameter(.|\n)*Nearest names: head"):
        two_stages({**HEAD, "pattern": "haed"})


@pytest.mark.parametrize("given", ["GF207:head.*", "GF207=why", ":head=why", "head"])
def test_an_option_without_rule_pattern_or_reason_shows_how_it_is_written(given: str, tmp_path: Path) -> None:
    with pytest.raises(ContractError, match="RULE:PATTERN=REASON"):
        read_settings(tmp_path, (), (), (given,))


@pytest.mark.parametrize("value", ['"GF207"', "1", "{rule = 'GF207'}"])
def test_ignore_that_is_no_list_is_refused(value: str, tmp_path: Path) -> None:
    (tmp_path / "pyproject.toml").write_text(f"[tool.gradcheck-freeze]\nignore = {value}\n")
    with pytest.raises(ContractError, match="must be a list of entries"):
        read_settings(tmp_path, (), ())


def test_an_alias_of_a_parameter_covers_it() -> None:
    head = nn.Linear(4, 2)
    modules = {"first": head, "second": head}

    def loss() -> torch.Tensor:
        return head(torch.ones(3, 4)).detach().mean() + nn.Linear(4, 1)(torch.ones(1, 4)).sum()

    found = diagnose(modules, loss)
    assert {f.rule for f in found.findings} == {"GF201"}
    assert diagnose(modules, loss, ignore=[{"rule": "GF201", "pattern": "second", "reason": "x"}]).findings == ()
