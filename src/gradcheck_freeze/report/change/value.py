"""The difference of two diagnoses as a plain value."""

from __future__ import annotations

from dataclasses import dataclass

from gradcheck_freeze.rules.finding import Finding

# What happens to a parameter in a run, whatever its contract says of that; and the kinds of a shift into it.
MODES = ("trained", "blocked", "fed", "written", "unused", "frozen")
# Further kinds, where that stays as it is: see `Shift`.
KINDS = (*MODES, "trainable", "rerouted", "moving", "still", "untied", "tied", "new", "gone", "renamed", "loss", "optimizer")  # fmt: skip


@dataclass(frozen=True, slots=True)
class Shift:
    """What changed, in one way, for the parameters of one module.

    `kind` is what they are now (one of MODES); or, where that is as before: "trainable" (the flag `requires_grad` alone
    was switched on), "rerouted" (fed by other losses or stepped by another optimizer), "moving" and "still" (buffers),
    "tied" and "untied", "new", "gone"; "renamed" (a module), "loss" and "optimizer" (one takes the place of another).
    """

    kind: str
    name: str  # the module as it is called now; of what is gone, as it was
    parameters: tuple[str, ...]
    elements: int
    before: tuple[str, ...] = ()  # their modes in the base
    after: tuple[str, ...] = ()
    losses_before: tuple[str, ...] = ()
    losses_after: tuple[str, ...] = ()
    optimizers_before: tuple[str, ...] = ()
    optimizers_after: tuple[str, ...] = ()
    called_before: str = ""  # of what was renamed or took another's place


@dataclass(frozen=True, slots=True)
class Count:
    """A number of parameters, and of the elements in them."""

    parameters: int
    elements: int


@dataclass(frozen=True, slots=True)
class Totals:
    """How much of a model is there, requires grad, and is trained."""

    all: Count
    trainable: Count
    trained: Count


@dataclass(frozen=True, slots=True)
class Change:
    """The difference of two runs. `kept` findings are the head's, and were in the base too."""

    shifts: tuple[Shift, ...]
    new: tuple[Finding, ...]
    gone: tuple[Finding, ...]
    kept: tuple[Finding, ...]
    accepted: tuple[Finding, ...]  # in the base a finding, in the head ignored by configuration
    before: Totals
    after: Totals
    caveats: tuple[str, ...]  # what makes the two runs hard to compare
