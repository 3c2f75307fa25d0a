"""The pytest plugin: `assert_flow`, the fixture and the marker `gradient_flow`, and the options that watch every test.

Every session of pytest loads this, so it imports nothing heavy: torch and what judges are loaded where a test is watched.
PYTEST_DONT_REWRITE
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

import pytest

from gradcheck_freeze.conclusion import LEVELS
from gradcheck_freeze.plugins.assertion import assert_flow
from gradcheck_freeze.plugins.watcher import USAGE, Watcher
from gradcheck_freeze.plugins.window import Window

__all__ = ["GradientFlow", "assert_flow"]

_MARKER = (
    f"{USAGE}: watch this test as a whole and fail it where its training breaks the contract or contradicts itself "
    "(gradcheck-freeze)."
)
_WATCHER: pytest.StashKey[Watcher] = pytest.StashKey()


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add the options and their lines in the configuration file."""
    group = parser.getgroup("gradcheck-freeze", "gradient flow of the trainings in tests")
    level = "the least severity of a finding that fails a test: note, warning, error or never (default: error)"
    report = (
        "a folder for an HTML page and a JSON report of every watched test, or a file whose suffix names the format"
    )
    group.addoption(
        "--gradcheck-freeze", action="store_true", default=None, help="watch every test that trains, and report"
    )
    group.addoption("--gradcheck-freeze-fail-on", choices=LEVELS, metavar="LEVEL", help=level)
    group.addoption("--gradcheck-freeze-report", metavar="PATH", help=report)
    parser.addini("gradcheck_freeze", "as --gradcheck-freeze", type="bool", default=False)
    parser.addini("gradcheck_freeze_fail_on", level, default="")
    parser.addini("gradcheck_freeze_report", report, default="")


def pytest_configure(config: pytest.Config) -> None:
    """Declare the marker, and register what watches."""
    config.addinivalue_line("markers", _MARKER)
    config.stash[_WATCHER] = Watcher(config)
    config.pluginmanager.register(config.stash[_WATCHER], "gradcheck-freeze-watcher")


class GradientFlow:
    """What the fixture gives: a call of it returns a context manager that watches its block."""

    def __init__(self, watcher: Watcher, item: pytest.Item) -> None:
        self._watcher = watcher
        self._item = item

    def __call__(
        self,
        frozen: Iterable[str] = (),
        trainable: Iterable[str] = (),
        ignore: Iterable[Mapping[str, str]] = (),
        steps: int | None = None,
        fail_on: str | None = None,
    ) -> Window:
        """Return a watch of a block, which fails with what is found there; `.diagnosis` holds all of it.

        frozen, trainable: patterns over the names that the test gives its networks, `name@loss` for one loss only; without
        them those of the marker, else those of the project. ignore: findings to accept, each as `{"rule": "GF207",
        "pattern": "head.*", "reason": "..."}`. steps: of every optimizer to watch. fail_on: the least severity that fails.
        """
        terms = self._watcher.terms(self._item).changed(frozen, trainable, ignore, steps, fail_on)
        return self._watcher.window(self._item, terms)


@pytest.fixture
def gradient_flow(request: pytest.FixtureRequest) -> GradientFlow:
    """Watch a training loop: `with gradient_flow(frozen=["encoder"]): train()` fails with what is found there."""
    return GradientFlow(request.config.stash[_WATCHER], request.node)
