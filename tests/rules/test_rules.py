"""Every rule in every form: it finds its fault and leaves its right program alone, however the script is cut up.

The folder of a rule holds two real scripts: `found.py`, with the fault and its line marked (the marks are those of
`tests/programs/harness.py`), and `left_alone.py`, of the same shape and right; more of either kind bear a longer name.
`forms.py` writes them the other ways in which people write scripts. `python tests/programs/harness.py tests/rules/GF201/*.py` shows what is said of the two;
`python tests/rules/forms.py GF201/found.py trainer` shows a form.
"""

import itertools
import sys
from pathlib import Path

import pytest

from gradcheck_freeze.rules.table import RULES

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "programs")]
import forms  # noqa: E402
import harness  # noqa: E402

CODES = [rule.code for rule in RULES if not rule.code.startswith("GF4")]  # those compare ranks: tests/ranks
SCRIPTS = {
    side: sorted(f"{p.parent.name}/{p.stem}" for p in HERE.glob(f"GF[123]*/{side}*.py"))
    for side in ("found", "left_alone")
}
Runs = dict[tuple[str, str], harness.Run]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run the scripts that are asked for, in all forms."""
    asked = {item.callspec.params.get("script") for item in request.session.items if hasattr(item, "callspec")}
    folder = tmp_path_factory.mktemp("forms")
    paths = {}
    for script, form in itertools.product([*SCRIPTS["found"], *SCRIPTS["left_alone"]], forms.FORMS):
        if script in asked:
            path = paths[script, form] = folder / f"{script.replace('/', '_')}_{form}.py"
            path.write_text(forms.FORMS[form]((HERE / f"{script}.py").read_text("utf-8")), "utf-8")
    return dict(zip(paths, harness.run_all(paths.values()), strict=True))


@pytest.mark.parametrize("code", CODES)
def test_every_rule_has_a_script_that_it_finds_and_one_that_it_leaves_alone(code: str) -> None:
    found, left_alone = (HERE / code / f"{side}.py" for side in ("found", "left_alone"))
    assert found.exists()
    assert left_alone.exists()
    assert all(fault.lines for fault in harness.faults(found))
    assert harness.faults(found)
    assert all(fault.kind.startswith("GF3") for fault in harness.faults(left_alone)), "what is right may still waste"


def test_no_script_stands_under_a_code_that_is_none() -> None:
    assert {path.name for path in HERE.glob("GF[123]*")} <= set(CODES)


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize("script", SCRIPTS["found"])
def test_the_fault_is_found_with_its_parameters_and_its_line(script: str, form: str, runs: Runs) -> None:
    run, code = runs[script, form], script.partition("/")[0]
    assert run.status == 0, run.stderr
    assert harness.disagreements(run) == []
    assert {finding["rule"] for finding in run.report["findings"]} == {code}
    assert "self" not in {finding["where"] for finding in run.report["findings"]}


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize("script", SCRIPTS["left_alone"])
def test_the_right_program_is_left_alone(script: str, form: str, runs: Runs) -> None:
    run = runs[script, form]
    assert run.status == 0, run.stderr
    assert harness.disagreements(run) == []
