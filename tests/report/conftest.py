"""Gives the tests of the formats their example diagnoses and the golden files to compare with.

Regenerate the golden files with `GOLDEN=write pytest tests/report`, then read the difference in git.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest


def _load() -> ModuleType:
    spec = importlib.util.spec_from_file_location("report_examples", Path(__file__).with_name("examples.py"))
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules["report_examples"] = module
    spec.loader.exec_module(module)
    return module


_EXAMPLES = _load()


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Run a test that asks for `story` once for every example."""
    if "story" in metafunc.fixturenames:
        metafunc.parametrize("story", [make() for make in _EXAMPLES.STORIES.values()], ids=list(_EXAMPLES.STORIES))


@pytest.fixture(scope="session")
def examples() -> ModuleType:
    return _EXAMPLES


@pytest.fixture(scope="session")
def same_as_golden() -> Callable[[str, str], None]:
    """Return an assertion that a text is that of the named golden file."""

    def compare(name: str, text: str) -> None:
        path = Path(__file__).parent / "golden" / name
        if os.environ.get("GOLDEN") == "write":
            path.parent.mkdir(exist_ok=True)
            path.write_text(text, encoding="utf-8", newline="\n")
        assert text == path.read_bytes().decode(), f"{path.name} differs; GOLDEN=write pytest tests/report renews it"

    return compare
