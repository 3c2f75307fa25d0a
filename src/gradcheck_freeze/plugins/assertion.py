"""`assert_flow`: the judgement of `diagnose` as an assertion, for any test runner or none."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from gradcheck_freeze.conclusion import LEVELS
from gradcheck_freeze.errors import GradcheckFreezeError, UsageError

if TYPE_CHECKING:
    import torch

    from gradcheck_freeze.rules.diagnosis import Diagnosis


def assert_flow(
    model: torch.nn.Module | Mapping[str, torch.nn.Module] | Sequence[torch.nn.Module],
    loss: Any | Callable[[], Any],
    frozen: Iterable[str] = (),
    trainable: Iterable[str] = (),
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None = None,
    ignore: Iterable[Mapping[str, str]] = (),
    fail_on: str = "error",
) -> None:
    """Fail if a loss does not teach a model as it should; the text of the AssertionError is what was found.

    Takes what `diagnose` takes: with a loss that is a function of no arguments the lines to blame are known. Like it, it
    changes nothing. fail_on: the least severity that fails, "note", "warning" or "error".
    """
    __tracebackhide__ = True
    from gradcheck_freeze.api import diagnose
    from gradcheck_freeze.trace.program import strip

    check_level(fail_on)
    try:
        diagnosis = diagnose(model, loss, optimizer, listed(frozen), listed(trainable), ignore)
    except GradcheckFreezeError as error:
        raise error.with_traceback(None)  # noqa: B904 - it is the same one, without our frames
    except Exception as error:
        strip(error)
        raise
    text = failure_text(diagnosis, fail_on)
    if text:
        raise AssertionError(text)


def failure_text(diagnosis: Diagnosis, fail_on: str) -> str:
    """Return the findings of at least this severity as the text of a failure, or nothing if there are none."""
    from gradcheck_freeze.conclusion import failure
    from gradcheck_freeze.report.terminal import render_findings
    from gradcheck_freeze.rules.finding import Severity

    if not failure(diagnosis.findings, fail_on):
        return ""
    return render_findings(diagnosis, Severity[fail_on.upper()])


def check_level(fail_on: object) -> None:
    """Raise `UsageError` for what is no level of severity to fail on."""
    if fail_on not in LEVELS:
        raise UsageError(f"fail_on must be one of {', '.join(LEVELS)}, not {fail_on!r}.")


def listed(patterns: Iterable[str]) -> tuple[str, ...]:
    """Return patterns as they are meant: one that was written without a list is one, not its letters."""
    return (patterns,) if isinstance(patterns, str) else tuple(patterns)
