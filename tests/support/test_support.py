"""Every feature of torch is traced, or is a gap that is stated: as its program declares, of which docs/support.md is made."""

import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import running

FEATURES = running.features()


@pytest.fixture(scope="module")
def found() -> dict[str, list[str]]:
    return running.check(FEATURES)


@pytest.mark.parametrize("name", [feature.path.stem for feature in FEATURES if feature.tested])
def test_a_feature_is_as_declared_and_changes_nothing(name: str, found: dict[str, list[str]]) -> None:
    assert found.get(name, []) == []


@pytest.mark.parametrize("name", [feature.path.stem for feature in FEATURES if feature.tested])
def test_the_correct_twin_is_left_alone_and_not_changed(name: str, found: dict[str, list[str]]) -> None:
    assert found.get(f"{name}_twin", []) == []


def test_every_gap_is_declared_by_a_part_of_its_sentence() -> None:
    assert [f.name for f in FEATURES if f.level == "gap" and not f.gap] == []
    assert {f.level for f in FEATURES} == {"traced", "gap", "not tested"}


def test_every_feature_has_a_name_of_its_own() -> None:
    assert len({f.name for f in FEATURES}) == len(FEATURES)
