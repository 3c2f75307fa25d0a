"""The judgement of one watched run: a plain value that every report is made from."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import networkx as nx

from gradcheck_freeze.rules.contract import Ignore
from gradcheck_freeze.rules.finding import Finding, Location, Severity

STATES = ("learning", "LEAK", "BLOCKED", "frozen", "idle")


@dataclass(frozen=True, slots=True)
class OptimizerMembership:
    """The optimizer and the number of the parameter group that hold a parameter."""

    name: str
    group: int


@dataclass(frozen=True, slots=True)
class ParameterRecord:
    """One parameter or buffer and everything the report says of it."""

    name: str
    aliases: tuple[str, ...]
    kind: str  # "parameter" | "buffer" | "tensor"
    module: str  # the qualified name of the module that holds it, "" for a bare tensor
    shape: tuple[int, ...]
    dtype: str
    numel: int
    requires_grad: bool
    optimizers: tuple[OptimizerMembership, ...]
    gradient: str  # "none" | "zero" | "finite" | "nonfinite"
    grad_norm: float | None
    updated: bool
    update_ratio: float | None  # ‖Δ‖ / ‖before‖ over the first step of its optimizer, if that was measured and moved it
    losses: tuple[str, ...]  # names of the losses whose gradient it received
    state: str  # one of STATES
    declared: Location | None


@dataclass(frozen=True, slots=True)
class LossRecord:
    """One loss: all backward calls made at one line under one name."""

    name: str
    location: Location | None
    backward_calls: int
    parameters: tuple[str, ...]  # that received gradient from it


@dataclass(frozen=True, slots=True)
class OptimizerRecord:
    """One optimizer, what it holds and what its steps moved."""

    name: str
    type_name: str
    built: Location | None
    steps: int
    parameters: tuple[str, ...]
    updated: tuple[str, ...]
    losses: tuple[str, ...]  # whose gradient its steps applied


@dataclass(frozen=True, slots=True)
class Excerpt:
    """Consecutive lines of one file around a place that a finding names."""

    path: str
    first_line: int
    lines: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class GuardRecord:
    """What was held, to the end of the run, against what it was in the window."""

    parameters: int  # how many, buffers included
    last_step: int
    changed: tuple[str, ...]  # what was seen to change outside the windows, whether it may or not


@dataclass(frozen=True, slots=True)
class Window:
    """The part of the run that was watched."""

    ops: int
    backward_calls: int
    steps: int
    closed: str  # why it closed, as a sentence part: "every optimizer had made 3 steps"
    steps_watched: tuple[tuple[int, ...], ...] = ()  # first and last of each stretch, the first step of the run being 1
    guarded: GuardRecord | None = None


@dataclass(frozen=True, slots=True)
class Amount:
    """So many tensors of one dtype, and their size."""

    dtype: str
    tensors: int  # 0 where they were not counted
    bytes: int


@dataclass(frozen=True, slots=True)
class Plan:
    """What one step would cost, tried on tensors without memory."""

    weights: tuple[Amount, ...]
    gradients: tuple[Amount, ...]
    unused_gradients: tuple[Amount, ...]  # of these, those of no optimizer
    states: tuple[Amount, ...]  # of the optimizers
    work: int | None  # floating point operations of the backward, in matrix products and convolutions
    unused_work: int | None  # of these, those that lead to gradients of no optimizer only; None without an optimizer


@dataclass(frozen=True, slots=True)
class ScriptRecord:
    """The program and how it ended; `path` is relative to the working directory where it can be."""

    path: str
    arguments: tuple[str, ...]
    exit_status: int | None


@dataclass(frozen=True, slots=True)
class RanksRecord:
    """The processes that trained together, and which of them left a report."""

    world_size: int
    reported: tuple[int, ...]
    missing: tuple[int, ...]
    pictured: int = 0  # the one whose step the graph shows


@dataclass(frozen=True)
class Diagnosis:
    """What a watched run was found to do.

    `graph` is the data flow of one step as the author thinks of it: the tree of module calls, with edges from leaf to leaf
    of it, so that it can be shown folded or unfolded. Node attributes: `kind` ("input" | "module" | "op" | "loss"),
    `label`, `module` (qualified name or ""), `type` (its class), `parent` (the id of the call around it, or ""), `state`
    (one of STATES, or "" where there is none), `count` (how often it is repeated), `members` (the modules that it stands
    for, where it is repeated), `leaks` (losses whose gradient it gets against the contract), `location` (Location or None),
    `findings` (tuple of fingerprints). Edge attributes: `gradient` (bool: autograd differentiates it), `losses` (names of
    those whose gradient takes this way), `cut` (bool: the gradient is lost here), `location` (of the cut, or None), `op`
    (the severing op), `findings`.
    """

    findings: tuple[Finding, ...]
    parameters: Mapping[str, ParameterRecord]
    losses: tuple[LossRecord, ...]
    optimizers: tuple[OptimizerRecord, ...]
    graph: nx.DiGraph
    window: Window
    script: ScriptRecord | None = None
    gaps: tuple[str, ...] = ()
    excerpts: tuple[Excerpt, ...] = field(default=())
    ignored: tuple[Finding, ...] = ()  # found too, but accepted by the configuration: they make nothing fail
    unneeded: tuple[Ignore, ...] = ()  # entries of the configuration that ignored nothing
    torch_version: str = ""
    plan: Plan | None = None
    ranks: RanksRecord | None = None  # None: one process alone

    @property
    def ok(self) -> bool:
        """Return whether no error was found."""
        return not any(finding.severity >= Severity.ERROR for finding in self.findings)
