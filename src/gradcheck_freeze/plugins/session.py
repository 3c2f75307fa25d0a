"""What the callbacks of all trainers share: watch the first steps of a training, then tell, save, and stop it if asked to.

Nothing that goes wrong in here ends a training, but two things that its author has to know: a finding that `fail_on` asks
to stop for, and a contract that cannot be right.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gradcheck_freeze.api import Diagnosis, watch
from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.rules.contract import parse_patterns
from gradcheck_freeze.rules.finding import Severity

if TYPE_CHECKING:
    import torch

logger = logging.getLogger("gradcheck_freeze")

_LEVELS = tuple(severity.name.lower() for severity in Severity)


@dataclass(frozen=True, slots=True)
class Wishes:
    """What a callback was asked for."""

    frozen: tuple[str, ...]
    trainable: tuple[str, ...]
    ignore: tuple[Mapping[str, str], ...]
    save: tuple[Path, ...]
    steps: int
    fail_on: str | None


class Session:
    """The watch over one training: opened before its first step, concluded once."""

    def __init__(self, wishes: Wishes, model: torch.nn.Module, speaks: bool) -> None:
        """Open the window; `speaks`: whether this process, of all that train together, tells and saves."""
        self.wishes = wishes
        self.speaks = speaks
        self.diagnosis: Diagnosis | None = None
        self._over = False  # nothing more is to be concluded
        self._stopped = False  # the training is ended by an exception
        self._watch = watch(
            model, steps=wishes.steps, frozen=wishes.frozen, trainable=wishes.trainable, ignore=wishes.ignore
        )
        try:
            self._watch.__enter__()
        except Exception as error:
            self._give_up(error)

    def _give_up(self, error: Exception) -> None:
        self._over = True
        logger.warning("gradcheck-freeze failed (%s: %s); the training goes on", type(error).__name__, error)

    def call(self, optimizers: Iterable[Any]) -> None:
        """Give the optimizers of the training names, as `optimizer` if there is one only."""
        held = list(optimizers)
        self._watch.names({"optimizer" if len(held) == 1 else f"optimizer{i}": o for i, o in enumerate(held)})

    def due(self) -> bool:
        """Return whether all steps asked for were seen, and nothing has been concluded yet."""
        return not self._over and self._watch.closed

    def conclude(self) -> dict[str, int]:
        """Close the window, save what was found and tell it; return the number of findings by severity.

        What `stop` will raise is not told here.
        """
        if self._over:
            return {}
        self._over = True
        self._watch.__exit__(None, None, None)
        try:
            diagnosis = self._watch.diagnosis
            for path in self.wishes.save if self.speaks else ():
                diagnosis.save(path)
        except GradcheckFreezeError:
            raise
        except Exception as error:
            self._give_up(error)
            return {}
        self.diagnosis = diagnosis
        if self.speaks and not self._stops():
            logger.log(logging.WARNING if diagnosis.findings else logging.INFO, "%s", diagnosis)
        return {
            f"gradient_flow/{level}s": sum(finding.severity.name.lower() == level for finding in diagnosis.findings)
            for level in _LEVELS
        }

    def stop(self) -> None:
        """Raise `FlowError`, once, if there is a finding of the severity that was asked for."""
        if self.diagnosis is not None and self._stops():
            self._stopped = True
            self.diagnosis.raise_for_findings(self.wishes.fail_on or "")

    def break_off(self) -> None:
        """Tell what was seen of a training that failed, without a word on the contract: the failure goes first."""
        self._stopped = True
        try:
            self.conclude()
        except GradcheckFreezeError as error:
            logger.warning("%s", error)

    def _stops(self) -> bool:
        if self._stopped or self.diagnosis is None or self.wishes.fail_on is None:
            return False
        least = Severity[self.wishes.fail_on.upper()]
        return any(finding.severity >= least for finding in self.diagnosis.findings)


class Callback:
    """What the callbacks of all trainers are: asked for the same, and watching through a session."""

    def __init__(
        self,
        frozen: Iterable[str] | str = (),
        trainable: Iterable[str] | str = (),
        *,
        save: Iterable[str | Path] | str | Path = (),
        steps: int = 3,
        fail_on: str | None = "error",
        ignore: Iterable[Mapping[str, str]] = (),
    ) -> None:
        """Check what is asked for, as far as that can be before there is a model."""
        super().__init__()
        if fail_on is not None and fail_on not in _LEVELS:
            raise UsageError(f"fail_on={fail_on!r} is no severity.\n  Choose from {', '.join(_LEVELS)}, or None.")
        if steps < 1:
            raise UsageError(f"steps={steps} watches nothing.\n  Watch at least one step.")
        names = [(one,) if isinstance(one, str) else tuple(one) for one in (frozen, trainable)]
        parse_patterns(*names)
        files = (save,) if isinstance(save, (str, Path)) else tuple(save)
        self._wishes = Wishes(names[0], names[1], tuple(ignore), tuple(map(Path, files)), steps, fail_on)
        self._session: Session | None = None

    @property
    def diagnosis(self) -> Diagnosis | None:
        """Return what was found, or None while the steps are still being watched."""
        return None if self._session is None else self._session.diagnosis
