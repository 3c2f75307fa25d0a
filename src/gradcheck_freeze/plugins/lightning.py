"""The callback for Lightning: `Trainer(callbacks=[GradientFlow(frozen=["encoder"])])`.

It works with both packages that Lightning comes in, `lightning` and `pytorch_lightning`.
"""

from __future__ import annotations

import importlib
import sys
from typing import Any

from gradcheck_freeze.plugins.session import Callback, Session

_PACKAGES = ("lightning.pytorch", "pytorch_lightning")


def _callbacks() -> tuple[type, ...]:
    """Return the `Callback` of the package that the program uses, of both if it has loaded both."""
    loaded = [name for name in _PACKAGES if sys.modules.get(name)]
    for name in loaded or _PACKAGES:
        try:
            importlib.import_module(f"{name}.callbacks")
        except ModuleNotFoundError as error:
            if (error.name or "").partition(".")[0] != name.partition(".")[0]:
                raise
    found = [sys.modules[f"{name}.callbacks"].Callback for name in _PACKAGES if f"{name}.callbacks" in sys.modules]
    if not found:
        raise ImportError("GradientFlow needs Lightning: pip install 'gradcheck-freeze[lightning]'")
    return tuple(dict.fromkeys(found))


class GradientFlow(Callback, *_callbacks()):  # type: ignore[misc]
    """Watches the first optimizer steps of a fit, then logs what was found, saves it, and stops the fit if asked to.

    frozen, trainable: patterns over names, as `encoder` or `model.encoder`, where `model` is the LightningModule; with
    `name@loss` for one loss only. save: a file or several; the suffix names the format. steps: how many of every optimizer
    to watch. fail_on: the least severity that ends the fit with a `FlowError`, whose text is the report; None for none.
    ignore: findings to accept, each as `{"rule": "GF207", "pattern": "head.*", "reason": "..."}`.

    The number of findings by severity goes to the loggers of the trainer as `gradient_flow/errors` and so on; the report
    to the Python logger `gradcheck_freeze`. `diagnosis` is the whole of it, once the steps were made.
    """

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """Open the window before `configure_optimizers` runs: the line there may be the one to blame."""
        if stage == "fit":
            self._session = Session(self._wishes, pl_module, trainer.is_global_zero)

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Give the optimizers their names."""
        if self._session is not None:
            self._session.call(trainer.optimizers)

    def on_train_batch_end(self, trainer: Any, *_: Any, **__: Any) -> None:
        """Conclude once all steps asked for were made."""
        if self._session is not None and self._session.due():
            self._conclude(trainer, self._session)

    def on_train_end(self, trainer: Any, pl_module: Any) -> None:
        """Conclude a fit that was shorter than the steps asked for."""
        if self._session is not None:
            self._conclude(trainer, self._session)

    def on_exception(self, trainer: Any, pl_module: Any, exception: BaseException) -> None:
        """Tell what was seen until the fit failed, and leave the exception alone."""
        if self._session is not None:
            self._session.break_off()

    def _conclude(self, trainer: Any, session: Session) -> None:
        counts = session.conclude()
        if counts and session.speaks:
            for each in trainer.loggers:
                each.log_metrics(counts, step=trainer.global_step)
        session.stop()
