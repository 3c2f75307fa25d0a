"""Every rule in every form: it finds its fault and leaves its right program alone, however the script is cut up.

The folder of a rule holds two real scripts: `found.py`, with the fault and its line marked (the marks are those of
`tests/programs/harness.py`), and `left_alone.py`, of the same shape and right. `forms.py` writes them the other ways in which
people write scripts. `python tests/programs/harness.py tests/rules/GF201/*.py` shows what is said of the two;
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

CODES = [rule.code for rule in RULES]
Runs = dict[tuple[str, str, str], harness.Run]


@pytest.fixture(scope="module")
def runs(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Runs:
    """Run both scripts of every rule that is asked for in all forms."""
    asked = {item.callspec.params.get("code") for item in request.session.items if hasattr(item, "callspec")}
    folder = tmp_path_factory.mktemp("forms")
    paths = {}
    for code, side, form in itertools.product(CODES, ("found", "left_alone"), forms.FORMS):
        script = HERE / code / f"{side}.py"
        if code in asked and script.exists():
            paths[code, side, form] = folder / f"{code}_{side}_{form}.py"
            paths[code, side, form].write_text(forms.FORMS[form](script.read_text("utf-8")), "utf-8")
    return dict(zip(paths, harness.run_all(paths.values()), strict=True))


@pytest.mark.parametrize("code", CODES)
def test_every_rule_has_a_script_that_it_finds_and_one_that_it_leaves_alone(code: str) -> None:
    found, left_alone = (HERE / code / f"{side}.py" for side in ("found", "left_alone"))
    assert found.exists()
    assert left_alone.exists()
    assert all(fault.lines for fault in harness.faults(found))
    assert harness.faults(found)
    assert not harness.faults(left_alone)


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize("code", CODES)
def test_the_fault_is_found_with_its_parameters_and_its_line(code: str, form: str, runs: Runs) -> None:
    run = runs[code, "found", form]
    assert run.status == 0, run.stderr
    assert harness.disagreements(run, code) == []
    assert {finding["rule"] for finding in run.of(code)} == {code}


@pytest.mark.parametrize("form", forms.FORMS)
@pytest.mark.parametrize("code", CODES)
def test_the_right_program_is_left_alone(code: str, form: str, runs: Runs) -> None:
    run = runs[code, "left_alone", form]
    assert run.status == 0, run.stderr
    assert harness.disagreements(run, code) == []
