"""What a watched run leaves behind: plain values and columns of integers, without torch.

An *op* is one torch call made from Python, a *value* one version of a tensor (an in-place op makes a new value).
Ops and values are numbered in the order of time, so an op's inputs always have smaller numbers than its outputs.
Wherever there may be a million of something there is a column (`array`), not a million objects.
"""

from __future__ import annotations

from array import array
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from gradcheck_freeze.trace.training import (
        Backward,
        GradientState,
        Masking,
        SkippedStep,
        Step,
        WatchedOptimizer,
        Write,
        ZeroGrad,
    )

NONE = -1  # in every column of indices: "there is none"

# Flags of a value.
REQUIRES_GRAD = 1
LEAF = 2
DIFFERENTIABLE = 4  # floating point or complex: its dtype could carry gradient
UNSEEN = 8  # requires grad but is no leaf, and the op that made it was not seen

# Grad mode of an op. FUNCTION: inside the forward of a custom autograd.Function, whose own backward replaces the ops'.
GRAD, NO_GRAD, INFERENCE, FUNCTION = 0, 1, 2, 3


@dataclass(frozen=True, slots=True)
class Site:
    """A position in the user's source: the innermost frame that is neither torch's nor ours."""

    path: str  # absolute, or a pseudo file name such as "<stdin>"
    line: int
    end_line: int
    function: str
    column: int = 0  # 0-based, in bytes of UTF-8, as `code.co_positions` gives them
    end_column: int = 0


@dataclass(slots=True)
class Ops:
    """One row per op. Inputs and outputs of op `i` are `inputs[first_input[i]:first_input[i + 1]]`, and likewise."""

    name: array[int] = field(default_factory=lambda: array("i"))  # index into Trace.op_names
    site: array[int] = field(default_factory=lambda: array("i"))  # index into Trace.sites
    call: array[int] = field(default_factory=lambda: array("i"))  # index into Trace.calls: the module call it ran in
    mode: array[int] = field(default_factory=lambda: array("b"))  # GRAD, NO_GRAD, INFERENCE or FUNCTION
    mode_site: dict[int, int] = field(default_factory=dict)  # where that mode was entered, of ops not in GRAD
    first_input: array[int] = field(default_factory=lambda: array("q", [0]))
    inputs: array[int] = field(default_factory=lambda: array("i"))  # indices into Values
    first_output: array[int] = field(default_factory=lambda: array("q", [0]))
    outputs: array[int] = field(default_factory=lambda: array("i"))

    def __len__(self) -> int:
        return len(self.name)

    def make_whole(self) -> None:
        """Drop the last row where not every column has it: a row is whole or absent."""
        rows = min(map(len, (self.name, self.site, self.call, self.mode)))
        rows = min(rows, len(self.first_input) - 1, len(self.first_output) - 1)
        for column in (self.name, self.site, self.call, self.mode):
            del column[rows:]
        for first, held in ((self.first_input, self.inputs), (self.first_output, self.outputs)):
            del first[rows + 1 :]
            del held[first[rows] :]


@dataclass(slots=True)
class Values:
    """One row per value."""

    op: array[int] = field(default_factory=lambda: array("i"))  # the op that made it, or NONE for a source
    flags: array[int] = field(default_factory=lambda: array("b"))
    tensor: array[int] = field(default_factory=lambda: array("i"))  # the watched tensor it is a version of, or NONE
    after: dict[int, int] = field(default_factory=dict)  # of a source: how many ops had run when it was first seen

    def __len__(self) -> int:
        return len(self.op)

    def make_whole(self) -> None:
        """Drop the last row where not every column has it."""
        rows = min(map(len, (self.op, self.flags, self.tensor)))
        for column in (self.op, self.flags, self.tensor):
            del column[rows:]


@dataclass(frozen=True, slots=True)
class WatchedTensor:
    """A parameter, a buffer or another leaf that requires grad, under the names its author gave it."""

    names: tuple[str, ...]  # the first is the primary one, the others are aliases
    kind: str  # "parameter" | "buffer" | "tensor" (a leaf that requires grad and belongs to no module)
    shape: tuple[int, ...]
    dtype: str
    numel: int
    requires_grad: bool  # when it was last read by an op in the window, else at its end
    registered: bool  # reachable through the `_parameters` or `_buffers` of a module that has a name
    module: int  # index into Trace.modules of the module that holds it under its primary name, or NONE
    alive: bool = True  # the module or variable still holds it when the window closes
    declared: int = NONE  # site where it was registered or first made
    attributes: tuple[str, ...] = ()  # names of attributes set on it that torch does not know ("require_grad")
    built: int = NONE  # site outside every __init__ at which the outermost module that made it was constructed
    spread: str = ""  # "replicated": a wrapper keeps it equal on all ranks, "sharded": each holds a part, "": not known


@dataclass(frozen=True, slots=True)
class WatchedModule:
    """A module under the name its author gave it; a child carries its parent's name and a dot."""

    name: str
    type_name: str
    parent: int  # index into Trace.modules, or NONE for a root
    training: bool  # at the end of the window
    called: bool
    attributes: tuple[str, ...] = ()  # instance attributes that shadow a tensor's flag ("requires_grad")
    registered: bool = True  # False for a module kept in a plain list, dict or object attribute
    declared: int = NONE
    aliases: tuple[str, ...] = ()
    constructed: int = NONE  # site of the call of its class


@dataclass(frozen=True, slots=True)
class ModuleCall:
    """One call of a module."""

    module: int
    parent: int  # the call it ran in, or NONE
    site: int
    training: bool


@dataclass(frozen=True, slots=True)
class Lookup:
    """An embedding whose padding row was asked for as if it were an entry like any other."""

    tensor: int
    row: int
    site: int  # the first such lookup
    whole: bool  # every row of the table was looked up at once


@dataclass(frozen=True, slots=True)
class KeptGraph:
    """What several steps computed, each with its graph, is still held by one list, dict or object of the user's."""

    holder: str  # the name of the list, dict or object
    values: tuple[int, ...]  # in the order of time; all made at one site


@dataclass(frozen=True, slots=True)
class Declaration:
    """A line by which the author declares an intent.

    kind: "requires_grad" (value False or True), "registered" or "replaced" (a module or parameter under a name),
    "displaced" (what stood there before), "mode" (train() is True, eval() is False), "walked" (a loop over named_parameters(), whatever it does).
    """

    kind: str
    value: bool
    tensors: tuple[int, ...]
    modules: tuple[int, ...]
    site: int
    after: int


@dataclass(frozen=True, slots=True)
class Gap:
    """Something that could not be seen."""

    what: str
    site: int = NONE


@dataclass(frozen=True, slots=True)
class Cost:
    """What one trial step on tensors without memory would cost, beside the gradients."""

    states: Mapping[str, int]  # dtype → bytes of optimizer state
    work: int | None = None  # floating point operations of the backward, in matrix products and convolutions
    needed: int | None = None  # of a backward for nothing but what some optimizer holds; None without an optimizer


@dataclass(frozen=True, slots=True)
class Rank:
    """Which process this is of those that train together."""

    number: int
    world_size: int


@dataclass(frozen=True, slots=True)
class Prints:
    """What every watched tensor held at one time, to be compared with what it holds on other ranks."""

    optimizer: int
    step: int  # after how many steps of this optimizer; 0: just before its first
    of: Mapping[int, int]  # tensor → fingerprint of what this rank holds of it


@dataclass(frozen=True, slots=True)
class LaterChange:
    """A tensor that stood still in the windows was seen to have changed outside them.

    It was the same after step `since`, and differed after step `step`.
    """

    tensor: int
    since: int
    step: int
    fed: bool  # a step between the two found a gradient in it
    requires_grad: bool  # when it was seen to differ
    at_end: bool  # read because the program, or the module that held it, came to its end: it may be past all training
    optimizer: str = ""  # whose step it was, where it is known
    site: int = NONE  # of that step
    switched: int = NONE  # where `requires_grad_()` made it trainable


@dataclass(frozen=True, slots=True)
class Guarded:
    """What was held against its numbers in the window, to the end of the run."""

    tensors: tuple[int, ...]
    last_step: int
    changes: tuple[LaterChange, ...]


@dataclass(frozen=True, slots=True)
class Script:
    """The program that was watched and how it ended."""

    path: str
    arguments: tuple[str, ...] = ()
    exit_status: int | None = None
    module: str | None = None


@dataclass(slots=True)
class Trace:
    """Everything that was seen while the window was open."""

    op_names: list[str] = field(default_factory=list)
    boxes: frozenset[str] = frozenset()  # names of those ops that stand for code which was watched from outside only
    sites: list[Site] = field(default_factory=list)
    ops: Ops = field(default_factory=Ops)
    values: Values = field(default_factory=Values)
    tensors: list[WatchedTensor] = field(default_factory=list)
    modules: list[WatchedModule] = field(default_factory=list)
    calls: list[ModuleCall] = field(default_factory=list)
    backwards: list[Backward] = field(default_factory=list)
    optimizers: list[WatchedOptimizer] = field(default_factory=list)
    steps: list[Step] = field(default_factory=list)
    skipped: list[SkippedStep] = field(default_factory=list)
    lookups: list[Lookup] = field(default_factory=list)
    maskings: list[Masking] = field(default_factory=list)
    writes: list[Write] = field(default_factory=list)
    zeroings: list[ZeroGrad] = field(default_factory=list)
    # Tensor → the backwards whose gradient was cleared before any step saw it.
    discarded: dict[int, tuple[int, ...]] = field(default_factory=dict)
    # Tensor → when the program set its `.grad`, and where: ops run, site.
    handed: dict[int, tuple[tuple[int, int], ...]] = field(default_factory=dict)
    lent: frozenset[int] = frozenset()  # tensors whose `.grad` a hook or another tensor gets as well
    kept: list[KeptGraph] = field(default_factory=list)
    declarations: list[Declaration] = field(default_factory=list)
    gradients: dict[int, GradientState] = field(default_factory=dict)  # tensor → the strongest state seen in the window
    gradient_bytes: dict[int, int] = field(default_factory=dict)  # tensor → size of its `.grad`, where that is dense
    without_memory: frozenset[int] = frozenset()  # tensors that have a shape only: meta, fake
    cost: Cost | None = None  # of a trial step on those
    at_values: dict[int, str] = field(default_factory=dict)  # value → state of its gradient, in steps watched deeply
    # Of what led to a gradient that is not finite: ops → whether they were given a value at which they have no finite derivative
    singular: dict[int, bool] = field(default_factory=dict)
    not_numbers: frozenset[int] = frozenset()  # values with a NaN in them, before the step that applied it
    gradient_of: dict[int, int] = field(default_factory=dict)  # value → the tensor whose `.grad` it is
    gaps: list[Gap] = field(default_factory=list)
    script: Script | None = None
    rank: Rank | None = None  # None: this process trains alone
    prints: list[Prints] = field(default_factory=list)  # where there are several ranks
    watched: list[tuple[int, int]] = field(default_factory=list)  # first and last step of each window
    pauses: list[int] = field(default_factory=list)  # ops that had run where nothing was watched for a while
    fed_earlier: frozenset[int] = frozenset()  # tensors that got gradient before the windows
    guarded: Guarded | None = None
    closed: str = ""  # why the window closed
    torch_version: str = ""
    root: str = ""  # the working directory: report paths are relative to it
