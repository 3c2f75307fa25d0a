"""What the tool says of programs as users write them: faults found with their line, correct programs left alone."""

import sys
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE))  # the processes that run the programs look for the harness by its own name
import harness  # noqa: E402

# What is not told yet, or not at the marked line. A program that comes to be told must be taken off this list.
OPEN = frozenset((HERE / "open.txt").read_text("utf-8").split())


def report(folder: str, names: list[str]) -> dict[str, list[str]]:
    paths = [HERE / folder / f"{name}.py" for name in names]
    return {run.path.stem: harness.disagreements(run) for run in harness.run_all(paths)}


def names_in(folder: str) -> list[str]:
    return sorted(path.stem for path in (HERE / folder).glob("*.py"))


def test_no_correct_program_gives_an_error_or_a_warning() -> None:
    found = report("left_alone", names_in("left_alone"))
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_fault_is_told_with_its_parameters_and_its_line_but_those_on_the_list() -> None:
    found = report("found", names_in("found"))
    assert {name: wrong for name, wrong in found.items() if wrong and name not in OPEN} == {}
    assert sorted(name for name in OPEN if not found[name]) == [], "these are told now: take them off open.txt"


def test_every_fault_has_its_corrected_twin() -> None:
    assert set(names_in("found")) - set(names_in("left_alone")) == set()
