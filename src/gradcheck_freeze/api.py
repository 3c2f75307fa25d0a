"""The doors from Python: `diagnose` for one loss, `watch` for a loop of the user's own."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import fields, replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.rules import diagnosis as verdicts
from gradcheck_freeze.rules.contract import Contract, parse_patterns

if TYPE_CHECKING:
    import torch

    from gradcheck_freeze.trace.record import Trace


class FlowError(GradcheckFreezeError):
    """Raised by `raise_for_findings`; its text is the report of what was found."""

    status = 1


class Diagnosis(verdicts.Diagnosis):
    """What was found, with its reports. `str()` is the report as text; a notebook shows the picture."""

    def to_json(self) -> str:
        """Return the report as JSON by the documented schema."""
        from gradcheck_freeze.report import json

        return json.render(self)

    def to_markdown(self) -> str:
        """Return the report as Markdown for a pull request."""
        from gradcheck_freeze.report import markdown

        return markdown.render(self)

    def to_html(self) -> str:
        """Return the report as one HTML page that needs no other file and no network."""
        from gradcheck_freeze.report import html

        return html.render(self)

    def to_svg(self) -> str:
        """Return the picture as SVG."""
        from gradcheck_freeze.report import picture

        return picture.svg(self)

    def to_dot(self) -> str:
        """Return the picture as DOT source."""
        from gradcheck_freeze.report import dot

        return dot.render(self.graph)

    def save(self, path: str | Path) -> None:
        """Write a report; the suffix names the format. Raises `UsageError` for an unknown suffix or an unwritable file."""
        from gradcheck_freeze.report import files

        files.save(self, Path(path))

    def raise_for_findings(self, severity: str = "error") -> None:
        """Raise `FlowError` if there is a finding of at least this severity."""
        from gradcheck_freeze.rules.finding import Severity

        if any(finding.severity >= Severity[severity.upper()] for finding in self.findings):
            raise FlowError(str(self))

    def __str__(self) -> str:
        from gradcheck_freeze.report import terminal

        return terminal.render(self)

    def _repr_html_(self) -> str:
        from gradcheck_freeze.report import notebook

        return notebook.render(self)

    def _repr_mimebundle_(self, include: object = None, exclude: object = None) -> dict[str, str]:
        """Return what a notebook shows: the findings with the picture, or what of it the notebook can."""
        return {"text/plain": str(self), "text/html": self._repr_html_(), "image/svg+xml": self.to_svg()}


def diagnose(
    model: torch.nn.Module | Mapping[str, torch.nn.Module] | Sequence[torch.nn.Module],
    loss: Any | Callable[[], Any],
    optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None = None,
    frozen: Iterable[str] = (),
    trainable: Iterable[str] = (),
    ignore: Iterable[Mapping[str, str]] = (),
) -> Diagnosis:
    """Say which parameters of a model a loss teaches, which it must not, and which line is to blame.

    model: a module, or a mapping or sequence of modules. loss: a tensor with one element, a mapping of named losses, or a
    function of no arguments that computes one; only with a function are lines known. optimizer: one or several, of which
    a trial step is made. frozen, trainable: patterns over names, `name@loss` for one loss only. ignore: findings to accept,
    each as `{"rule": "GF207", "pattern": "head.*", "reason": "..."}`.

    Nothing is changed: parameters, `.grad`, optimizer state, buffers, random state, train/eval flags and the graph of the
    loss are afterwards as they were. Raises `UsageError` for a loss without a graph, a freed graph, a loss of more than one
    element or a model without parameters, and `ContractError` for a pattern that matches nothing.
    """
    from gradcheck_freeze.trace.trial import trial

    return _judge(trial(_modules(model), loss, _optimizers(optimizer)), _contract(frozen, trainable, ignore))


class watch:  # noqa: N801 - a context manager, written as a verb
    """Watch a training loop: `with watch(model, optimizer) as flow: ...; flow.diagnosis`.

    The window closes when every optimizer has made `steps` steps, and at the end of the block. It opens when `after` steps have
    been made, and again `every` so many steps; with `guard`, what stood still in it is held against what it is at the end of the
    block. An exception in the block goes on to the caller; what was seen until then is still diagnosed. compile: what
    `torch.compile` compiles runs "eager" and is seen whole, or "opaque": compiled as ever, and seen from outside.
    """

    def __init__(
        self,
        model: torch.nn.Module | Mapping[str, torch.nn.Module] | Sequence[torch.nn.Module] | None = None,
        optimizer: torch.optim.Optimizer | Sequence[torch.optim.Optimizer] | None = None,
        *,
        steps: int = 3,
        after: int = 0,
        every: int = 0,
        guard: bool = False,
        compile: str = "eager",
        frozen: Iterable[str] = (),
        trainable: Iterable[str] = (),
        ignore: Iterable[Mapping[str, str]] = (),
    ) -> None:
        from gradcheck_freeze.trace.placement import Placement
        from gradcheck_freeze.trace.recorder import Recorder

        if compile not in ("eager", "opaque"):
            raise UsageError(f"compile={compile!r} is not known.\n  Give 'eager' or 'opaque'.")
        self._names = names = {} if model is None else dict(_modules(model))
        if model is not None:
            if len(names) == 1:
                names.update(
                    (n, c)
                    for n, c in next(iter(names.values())).named_children()
                    if n not in names and n != "_orig_mod"
                )
            held = _optimizers(optimizer)
            names.update({"optimizer": held[0]} if len(held) == 1 else {f"optimizer{i}": o for i, o in enumerate(held)})
        self._contract = _contract(frozen, trainable, ignore)
        placement = Placement(steps=steps, after=after, every=every, guard=guard, compiled=compile)
        self._recorder = Recorder(placement, None if model is None else names)
        self._diagnosis: Diagnosis | None = None

    def __enter__(self) -> Self:
        self._recorder.open()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._recorder.close("the watched block ended")

    @property
    def closed(self) -> bool:
        """Return whether the window is closed: all steps asked for were seen, or the block has ended."""
        return self._recorder.closed is not None

    def names(self, further: Mapping[str, Any]) -> None:
        """Name things by these variables too, as optimizers that are made after the block was entered."""
        self._names.update(further)

    @property
    def diagnosis(self) -> Diagnosis:
        """Return what was found; closes the window if it is still open."""
        if self._diagnosis is None:
            self._diagnosis = _judge(self._recorder.trace(), self._contract)
        return self._diagnosis


def _contract(frozen: Iterable[str], trainable: Iterable[str], ignore: Iterable[Mapping[str, str]]) -> Contract:
    from gradcheck_freeze.rules.ignores import parse_ignores

    return replace(parse_patterns(frozen, trainable), ignores=parse_ignores(ignore, "ignore"))


def _judge(trace: Trace, contract: Contract) -> Diagnosis:
    from gradcheck_freeze.rules.windows import judge_windows

    return with_reports(judge_windows(trace, contract))


def with_reports(plain: verdicts.Diagnosis) -> Diagnosis:
    """Return a judgement as the diagnosis that can write its reports."""
    return Diagnosis(**{field.name: getattr(plain, field.name) for field in fields(plain)})


def _modules(model: Any) -> dict[str, torch.nn.Module]:
    import_error = "pass a torch.nn.Module, or a mapping or sequence of modules"
    if hasattr(model, "named_parameters"):
        return {"model": model}
    named = (
        model
        if isinstance(model, Mapping)
        else {f"model{i}": m for i, m in enumerate(model)}
        if isinstance(model, Sequence)
        else None
    )
    if not named or not all(hasattr(module, "named_parameters") for module in named.values()):
        raise UsageError(f"{type(model).__name__} is no model.\n  {import_error[0].upper()}{import_error[1:]}.")
    return dict(named)


def _optimizers(optimizer: Any) -> list[torch.optim.Optimizer]:
    if optimizer is None:
        return []
    return list(optimizer) if isinstance(optimizer, Sequence) else [optimizer]
