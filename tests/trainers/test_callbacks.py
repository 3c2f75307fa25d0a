"""The callbacks for Lightning and Transformers: they tell, save and stop as asked, and change nothing else."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import running  # noqa: E402
from running import harness  # noqa: E402

TRAINERS = [
    ("lightning_fit.py", "lightning.pytorch"),
    ("lightning_fit.py", "pytorch_lightning"),
    ("transformers_train.py", "transformers"),
]
CASES = ["stopped", "full_name", "told_only", "clean", "short", "typo", "without"]
Results = dict[str, tuple[dict[str, Any], str]]


def run_cases(program: str, package: str, cases: list[str]) -> Results:
    path = HERE / "callbacks" / program
    ended = harness.forked(running.plain, [path] * len(cases), [[package, case] for case in cases])
    found = {}
    for case, end in zip(cases, ended, strict=True):
        assert end.status == 0, end.stderr
        found[case] = json.loads(end.stdout.splitlines()[-1]), end.stderr
    return found


@pytest.fixture(scope="module", params=TRAINERS, ids=lambda trainer: trainer[1])
def results(request: pytest.FixtureRequest) -> Results:
    return run_cases(*request.param, CASES)


@pytest.mark.parametrize("case", ["stopped", "full_name"])
def test_a_finding_stops_the_training_with_its_text_after_the_steps_asked_for(results: Results, case: str) -> None:
    result, told = results[case]
    kind, text = result["raised"]
    assert kind == "FlowError"
    assert "GF101 frozen-updated" in text
    assert result["steps"] == 3
    assert result["saved"] == ["flow.html", "flow.json"]
    assert "GF101" not in told, "the exception tells it"


def test_a_training_that_is_not_to_be_stopped_goes_on_and_the_report_is_logged(results: Results) -> None:
    result, told = results["told_only"]
    assert (result["raised"], result["steps"], result["findings"]) == (None, 8, ["GF101"])
    assert "GF101 frozen-updated" in told
    assert result["saved"] == ["flow.html", "flow.json"]


def test_the_counts_go_to_the_loggers_of_the_trainer_and_the_optimizer_has_a_name(results: Results) -> None:
    for case, errors in (("told_only", 1), ("clean", 0), ("stopped", 1)):
        result, _ = results[case]
        metrics = result["metrics"]
        if metrics.startswith("["):
            logged = next(row for row in json.loads(metrics) if "gradient_flow/errors" in row)
        else:
            head, *rows = (line.split(",") for line in metrics.split())
            logged = dict(zip(head, map(int, rows[0]), strict=True))
        assert logged["gradient_flow/errors"] == errors
        assert (logged["gradient_flow/warnings"], logged["step"]) == (0, 3)
        assert result["optimizers"] == ["optimizer"]


def test_a_training_shorter_than_the_steps_asked_for_is_judged_at_its_end(results: Results) -> None:
    result, _ = results["short"]
    assert (result["raised"][0], result["steps"]) == ("FlowError", 8)


def test_a_pattern_that_matches_nothing_is_said_with_the_nearest_name(results: Results) -> None:
    kind, text = results["typo"][0]["raised"]
    assert kind == "ContractError"
    assert "encoder" in text or "bert" in text


def test_the_training_ends_with_the_same_weights_and_nothing_stays_installed(results: Results) -> None:
    assert results["clean"][0]["raised"] is None
    assert results["clean"][0]["findings"] == []
    assert results["clean"][0]["weights"] == results["without"][0]["weights"]
    assert results["told_only"][0]["weights"] == results["without"][0]["weights"]
    assert all(result["uninstalled"] for result, _ in results.values())


def test_the_exception_of_a_fit_that_fails_is_its_own_and_what_was_seen_is_told() -> None:
    result, told = run_cases("lightning_fit.py", "lightning.pytorch", ["raises"])["raises"]
    assert result["raised"] == ["RuntimeError", "out of luck"]
    assert "GF101 frozen-updated" in told
    assert result["uninstalled"]


@pytest.mark.parametrize(("plugin", "library"), [("lightning", "Lightning"), ("transformers", "Transformers")])
def test_a_missing_library_is_said_with_the_line_that_installs_it(plugin: str, library: str) -> None:
    code = (
        "import sys; sys.modules.update(dict.fromkeys(['lightning', 'pytorch_lightning', 'transformers']));"
        f"import gradcheck_freeze.plugins.{plugin}"
    )
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert f"{library}: pip install 'gradcheck-freeze[{plugin}]'" in failed.stderr.splitlines()[-1]


@pytest.mark.parametrize("wrong", ["fail_on='fatal'", "steps=0"])
def test_a_parameter_that_makes_no_sense_is_refused_at_once(wrong: str) -> None:
    code = f"from gradcheck_freeze.plugins.session import Callback; Callback({wrong})"
    failed = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert "UsageError" in failed.stderr.splitlines()[-2]
