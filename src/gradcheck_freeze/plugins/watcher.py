"""What a session of pytest does around each test: watch it where it is asked to, fail it, and tell what was found.

Tests run in the workers of pytest-xdist too, and are told of by the process that started them: what is found goes along
with the report of a test as plain data.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Generator
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.plugins.entries import entry_of, lines_of, save
from gradcheck_freeze.plugins.window import NOTHING_SEEN, Terms, WatchedTest, Window

if TYPE_CHECKING:
    from gradcheck_freeze.settings import Settings

USAGE = "gradient_flow(frozen=(), trainable=(), ignore=(), steps=None, fail_on=None)"
_WINDOWS: pytest.StashKey[list[Window]] = pytest.StashKey()


class Watcher:
    """The hooks of one session; those around a test do nothing where it is not watched."""

    def __init__(self, config: pytest.Config) -> None:
        self.config = config
        self.every = bool(config.getoption("gradcheck_freeze") or config.getini("gradcheck_freeze"))
        self._settings: Settings | None = None
        self._current: list[Window] = []  # those of the test that is running
        self._whole: Window | None = None  # that of the test as a whole
        self._entries: list[dict[str, Any]] = []
        self._stop_waiting: Callable[[], None] | None = None
        if self.every:
            try:
                self._settings = self.settings()
            except GradcheckFreezeError as error:
                raise pytest.UsageError(f"gradcheck-freeze: {error}") from None
            self._arm()

    def settings(self) -> Settings:
        """Return the settings of the project; raises `UsageError` for a file that cannot be obeyed."""
        if self._settings is None:
            from gradcheck_freeze.settings import read_settings

            self._settings = read_settings(self.config.rootpath, (), ())
        return self._settings

    def terms(self, item: pytest.Item) -> Terms:
        """Return what a test is held against: the options, and what the marker nearest to it says."""
        settings = self.settings()
        asked = self.config.getoption("gradcheck_freeze_fail_on") or self.config.getini("gradcheck_freeze_fail_on")
        terms = Terms(settings, fail_on=asked or settings.fail_on)
        marker = item.get_closest_marker("gradient_flow")
        try:
            return terms.changed(*marker.args, **marker.kwargs) if marker else terms.changed()
        except TypeError as error:
            said = str(error).removeprefix("Terms.changed() ")
            raise UsageError(f"@pytest.mark.gradient_flow {said}.\n  It is {USAGE}.") from None

    def window(self, item: pytest.Item, terms: Terms) -> Window:
        """Return a window for a test, which is kept for its report."""
        self._arm()
        name = item.nodeid.partition("::")[2].replace("::", ".")
        window = Window(WatchedTest(item.path, name or item.name, self.config.invocation_params.dir), terms)
        self._current = item.stash.setdefault(_WINDOWS, [])
        self._current.append(window)
        return window

    def _arm(self) -> None:
        """Be there when torch is imported in the middle of a test, and gone in a forked child."""
        if self._stop_waiting is None:
            from gradcheck_freeze.trace.arming import arm_after_torch

            self._stop_waiting = arm_after_torch(self._torch_came, self._forked)

    def _torch_came(self) -> None:
        if self._whole is not None:
            self._whole.open()

    def _forked(self) -> None:
        for window in self._current:
            window.abandon()

    def _watch(self, item: pytest.Item) -> None:
        """Watch the rest of a test as a whole."""
        self._whole = self.window(item, self.terms(item))
        if "torch" in sys.modules:
            self._whole.open()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_setup(self, item: pytest.Item) -> Generator[None, None, None]:
        """Watch from the first fixture on: what a test trains is often built and frozen there."""
        itself = "gradient_flow" in getattr(item, "fixturenames", ())  # then it says which of its blocks to watch
        problem = ""
        if (self.every or item.get_closest_marker("gradient_flow")) and not itself:
            try:
                self._watch(item)
            except GradcheckFreezeError as error:
                problem = str(error)
        try:
            yield
        except BaseException:
            self._end()
            raise
        if problem:  # told now: the setup of other plugins has to take place, for their teardown comes in any case
            pytest.fail(f"gradcheck-freeze: {problem}", pytrace=False)

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_runtest_call(self, item: pytest.Item) -> Generator[None, None, None]:
        """Fail a test that passed for what was found in it; one that failed itself keeps its own failure."""
        if (
            self._whole is not None and self._whole.is_over
        ):  # a fixture trained for so long: the test has its own window
            self._watch(item)
        try:
            yield
        finally:
            self._end()
        if not getattr(item, "_excinfo", None):  # where unittest keeps what failed
            self._fail(item)

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_teardown(self) -> None:
        """Watch no longer, where a test was set up and not called."""
        self._end()

    def _end(self) -> None:
        if self._whole is not None:
            self._whole.close()
            self._whole = None

    def _fail(self, item: pytest.Item) -> None:
        windows = [window for window in item.stash.get(_WINDOWS, ()) if not window.was_entered]
        marked = item.get_closest_marker("gradient_flow") is not None
        texts = []
        for window in windows:
            text, internal = window.verdict()
            if text and (marked or not internal):
                texts.append(text)
                window.told = True
        own = any(marker.name == "gradient_flow" for marker in item.own_markers)
        if windows and own and not any(window.saw_backward for window in windows):
            texts.append(NOTHING_SEEN)
        if texts:
            pytest.fail("\n\n".join(f"gradcheck-freeze: {text}" for text in texts), pytrace=False)

    @pytest.hookimpl(wrapper=True)
    def pytest_runtest_makereport(
        self, item: pytest.Item, call: pytest.CallInfo[None]
    ) -> Generator[None, pytest.TestReport, pytest.TestReport]:
        """Send along what was found; where the failure of a test is its own, what was found stands below it."""
        report = yield
        over = [window for window in item.stash.get(_WINDOWS, ()) if window.is_over and not window.sent]
        entries = []
        for window in over:
            window.sent = True
            if not window.saw_backward:
                continue
            text, _ = window.verdict()
            if text and not window.told and report.failed:
                report.sections.append(("gradcheck-freeze", text))
            entries.append(entry_of(window, item.nodeid) | {"saved": self._save(window, item)})
        if entries:
            report.gradcheck_freeze = entries  # type: ignore[attr-defined]
        return report

    def _save(self, window: Window, item: pytest.Item) -> list[str]:
        """Write the report of a test where it is wanted, and return what went wrong."""
        wanted = self.config.getoption("gradcheck_freeze_report") or self.config.getini("gradcheck_freeze_report")
        if not wanted:
            return []
        alone = len(item.session.items) == 1 and len(item.stash[_WINDOWS]) == 1
        number = item.stash[_WINDOWS].index(window) + 1
        name = item.nodeid if number == 1 else f"{item.nodeid}-{number}"
        return save(window, self.config.invocation_params.dir / Path(wanted), "" if alone else name)

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Keep what came with a report, from this process or from a worker."""
        self._entries += getattr(report, "gradcheck_freeze", ())

    def pytest_terminal_summary(self, terminalreporter: Any) -> None:
        """Tell what was found in each test that was watched."""
        lines = lines_of(self._entries)
        if lines:
            terminalreporter.section("gradcheck-freeze")
            for line in lines:
                terminalreporter.line(line)

    def pytest_unconfigure(self) -> None:
        """Wait for torch no longer."""
        if self._stop_waiting is not None:
            self._stop_waiting()
