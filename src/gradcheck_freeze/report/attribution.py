"""Which loss teaches which module, and through which optimizer."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from gradcheck_freeze.report.rollup import heads, natural
from gradcheck_freeze.rules.diagnosis import Diagnosis, LossRecord


@dataclass(frozen=True, slots=True)
class Share:
    """What one loss does to the parameters of one module that it feeds gradient."""

    loss: LossRecord
    module: str
    parameters: int  # that the module has
    fed: int  # of those, that the loss feeds gradient
    moved: int  # of those, that an optimizer moved by it
    optimizers: tuple[str, ...]  # that moved them; none where the gradient was never applied


def losses(diagnosis: Diagnosis) -> list[LossRecord]:
    """Return the losses in the order of their lines."""
    return sorted(diagnosis.losses, key=lambda loss: (*_line(loss), loss.name))


def modules(diagnosis: Diagnosis) -> list[str]:
    """Return the author's own top-level modules."""
    return sorted(_members(diagnosis), key=natural)


def shares(diagnosis: Diagnosis) -> list[Share]:
    """Return one share for each loss and module of which it feeds something, by the order of both."""
    members = _members(diagnosis)
    return [
        share
        for loss in losses(diagnosis)
        for module in sorted(members, key=natural)
        if (share := _share(diagnosis, loss, module, members[module])).fed
    ]


def _members(diagnosis: Diagnosis) -> dict[str, list[str]]:
    return heads(record.name for record in diagnosis.parameters.values() if record.kind != "buffer")


def _share(diagnosis: Diagnosis, loss: LossRecord, module: str, members: Sequence[str]) -> Share:
    fed = set(members).intersection(loss.parameters)
    applied = [o for o in diagnosis.optimizers if loss.name in o.losses and not fed.isdisjoint(o.updated)]
    moved = fed.intersection(name for o in applied for name in o.updated)
    return Share(loss, module, len(members), len(fed), len(moved), tuple(sorted(o.name for o in applied)))


def _line(loss: LossRecord) -> tuple[str, int]:
    return (loss.location.path, loss.location.line) if loss.location else ("", 0)
