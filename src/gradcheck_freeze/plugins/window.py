"""A stretch of a test under watch: the window, what it is held against, and what was found."""

from __future__ import annotations

import os
import sys
import warnings
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.plugins.assertion import check_level, failure_text, listed

if TYPE_CHECKING:
    from gradcheck_freeze.api import Diagnosis
    from gradcheck_freeze.rules.contract import Contract, Ignore
    from gradcheck_freeze.settings import Settings
    from gradcheck_freeze.trace.record import Trace

NOTHING_SEEN = (
    "no backward pass was seen, so nothing was judged.\n"
    "  Let the watched block call loss.backward() or torch.autograd.grad(), in this process and thread."
)


@dataclass(frozen=True, slots=True)
class WatchedTest:
    """The test that a window belongs to, as the report names it."""

    path: Path
    name: str  # the parts of its id after the file
    root: Path  # that paths in the report are relative to

    def declare_files(self) -> None:
        """Say that the file of the test and those of its fixtures are the user's, wherever they lie, and the runner's is not."""
        from gradcheck_freeze.trace.sites import declare_file

        runner = getattr(sys.modules.get("__main__"), "__file__", None)
        if runner is not None:
            declare_file(runner, False)
        for folder in self.path.parents:
            declare_file(str(folder / "conftest.py"), True)
        declare_file(str(self.path), True)


@dataclass(frozen=True)
class Terms:
    """What a window is held against, and when it fails. The contract of the project holds where no other is given."""

    settings: Settings
    contract: Contract | None = None
    ignores: tuple[Ignore, ...] = ()
    steps: int | None = None
    fail_on: str = "error"

    def changed(
        self,
        frozen: Iterable[str] = (),
        trainable: Iterable[str] = (),
        ignore: Iterable[Mapping[str, str]] = (),
        steps: int | None = None,
        fail_on: str | None = None,
    ) -> Terms:
        """Return these terms with what is given; raises `UsageError` for what cannot be a contract or a level."""
        from gradcheck_freeze.rules.contract import parse_patterns
        from gradcheck_freeze.rules.ignores import parse_ignores

        check_level(fail_on or self.fail_on)
        frozen, trainable = listed(frozen), listed(trainable)
        return replace(
            self,
            contract=parse_patterns(frozen, trainable) if frozen or trainable else self.contract,
            ignores=(*self.ignores, *parse_ignores(ignore, "ignore")),
            steps=steps or self.steps,
            fail_on=fail_on or self.fail_on,
        )

    def judge(self, trace: Trace) -> Diagnosis:
        """Return the diagnosis of a trace; raises `ContractError` for a pattern of this test's own that names nothing."""
        from gradcheck_freeze.api import with_reports
        from gradcheck_freeze.rules.windows import about, judge_windows

        of_project = about(trace, self.settings.contract)
        contract = replace(self.contract or of_project, ignores=(*of_project.ignores, *self.ignores))
        diagnosis = with_reports(judge_windows(trace, contract))
        unneeded = tuple(entry for entry in diagnosis.unneeded if entry in self.ignores)
        return replace(diagnosis, unneeded=unneeded)  # an entry of the project's may be needed by another test


@dataclass(eq=False)
class Window:
    """A context manager that watches its block and fails with what was found there."""

    test: WatchedTest
    terms: Terms
    told: bool = False  # whether its failure was raised
    sent: bool = False  # whether it went along with a report
    was_entered: bool = False  # by the test itself, as a block
    problem: str = ""  # why there is no diagnosis
    _recorder: Any = None
    _found: list[Diagnosis] = field(default_factory=list)

    def open(self) -> None:
        """Begin to watch; torch must have been imported."""
        from gradcheck_freeze.trace.placement import OPS_BEYOND, Placement
        from gradcheck_freeze.trace.recorder import Recorder

        if self._recorder is not None:
            raise UsageError("this block was watched before.\n  Call gradient_flow() again for another one.")
        self.test.declare_files()
        asked = self.terms.steps or self.terms.settings.steps
        self._recorder = Recorder(Placement(asked or 3, ops_beyond=0 if asked else OPS_BEYOND))
        self._recorder.open()

    def close(self) -> None:
        """Watch no longer."""
        if self._recorder is not None and self._recorder.closed is None:
            self._recorder.close("the watched block ended")

    def abandon(self) -> None:
        """Drop everything: this process is a forked child."""
        if self._recorder is not None:
            self._recorder.abandon()

    @property
    def is_over(self) -> bool:
        """Return whether it was open and is not any more."""
        return self._recorder is not None and self._recorder.closed is not None

    @property
    def saw_backward(self) -> bool:
        """Return whether there is anything to judge; closes the window."""
        self.close()
        return self._recorder is not None and bool(self._recorder.trace().backwards)

    @property
    def diagnosis(self) -> Diagnosis:
        """Return what was found; closes the window if it is still open."""
        if not self._found:
            from gradcheck_freeze.trace.record import Script

            if self._recorder is None:
                raise GradcheckFreezeError("the block has not been entered yet, so there is no diagnosis of it.")
            self.close()
            trace = self._recorder.trace()
            trace.root = str(self.test.root)
            trace.script = Script(str(self.test.path), (self.test.name,))
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # a test may make errors of them
                self._found.append(self.terms.judge(trace))
        return self._found[0]

    def failure(self) -> str:
        """Return why the test must fail, or nothing; raises `ContractError` where the terms cannot be held against it."""
        return failure_text(self.diagnosis, self.terms.fail_on)

    def verdict(self) -> tuple[str, bool]:
        """Return why the test must fail, or nothing, and whether that is an error of our own."""
        if self.problem or not self.saw_backward:
            return self.problem, bool(self.problem)
        try:
            return self.failure(), False
        except GradcheckFreezeError as error:
            self.problem = str(error)
            return self.problem, False
        except Exception as error:
            if os.environ.get("GRADCHECK_FREEZE_DEBUG"):
                raise
            self.problem = f"internal error while judging ({error!r}); nothing is known of this test."
            return self.problem, True

    def __enter__(self) -> Self:
        __tracebackhide__ = True
        self.open()
        self.was_entered = True
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        __tracebackhide__ = True
        self.close()
        if kind is not None:
            return
        self.told = True
        if not self.saw_backward and self.terms.fail_on != "never":
            raise AssertionError(NOTHING_SEEN)
        try:
            text = self.failure()
        except GradcheckFreezeError as problem:
            raise problem.with_traceback(None)  # noqa: B904 - it is the same one, without our frames
        if text:
            raise AssertionError(text)
