"""The callback for the Trainer of Transformers: `Trainer(..., callbacks=[GradientFlowCallback(frozen=["bert"])])`."""

from __future__ import annotations

from typing import Any

from gradcheck_freeze.plugins.session import Callback, Session

try:
    from transformers import TrainerCallback
except ModuleNotFoundError as error:
    if error.name != "transformers":
        raise
    raise ImportError(
        "GradientFlowCallback needs Transformers: pip install 'gradcheck-freeze[transformers]'"
    ) from error


class GradientFlowCallback(Callback, TrainerCallback):  # type: ignore[misc]
    """Watches the first optimizer steps of a training, then logs what was found, saves it, and stops it if asked to.

    frozen, trainable: patterns over names, as `bert` or `model.bert`, where `model` is the model of the trainer; with
    `name@loss` for one loss only. save: a file or several; the suffix names the format. steps: how many of the optimizer to
    watch. fail_on: the least severity that ends the training with a `FlowError`, whose text is the report; None for none.
    ignore: findings to accept, each as `{"rule": "GF207", "pattern": "head.*", "reason": "..."}`.

    The number of findings by severity goes into the log history of the trainer as `gradient_flow/errors` and so on; the
    report to the Python logger `gradcheck_freeze`. `diagnosis` is the whole of it, once the steps were made.
    """

    def on_train_begin(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Open the window; one that a training left open by failing is closed."""
        if self._session is not None:
            self._session.break_off()
        self._session = Session(self._wishes, kwargs["model"], state.is_world_process_zero)
        optimizer = kwargs.get("optimizer")
        if optimizer is not None:
            self._session.call([optimizer])

    def on_step_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Conclude once all steps asked for were made."""
        if self._session is not None and self._session.due():
            self._conclude(state, self._session)

    def on_train_end(self, args: Any, state: Any, control: Any, **kwargs: Any) -> None:
        """Conclude a training that was shorter than the steps asked for."""
        if self._session is not None:
            self._conclude(state, self._session)

    def _conclude(self, state: Any, session: Session) -> None:
        counts = session.conclude()
        if counts:
            state.log_history.append({**counts, "step": state.global_step})
        session.stop()
