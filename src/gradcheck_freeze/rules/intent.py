"""Who is meant to learn and who is meant to stay: the contract first, then the code's own declarations."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from gradcheck_freeze.errors import ContractError
from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.contract import Contract, check_loss, check_pattern
from gradcheck_freeze.rules.features_only import features_only
from gradcheck_freeze.trace.record import NONE, REQUIRES_GRAD


@dataclass(frozen=True, slots=True)
class Intent:
    """Indices of tensors. What is in neither set is nobody's promise."""

    learn: frozenset[int]
    fixed: frozenset[int]
    stated: frozenset[int] = frozenset()  # those of either set that the contract names
    carried: frozenset[int] = frozenset()  # those that required grad when some loss was computed from them
    tried: frozenset[int] = frozenset()  # those that the author tried to freeze by a flag that torch does not know
    frozen_since: Mapping[int, int] = field(default_factory=dict)  # those frozen while the program ran → when
    fixed_for_loss: Mapping[int, frozenset[int]] = field(default_factory=dict)
    learn_for_loss: Mapping[int, frozenset[int]] = field(default_factory=dict)


def read_intent(flow: FlowGraph, contract: Contract) -> Intent:
    """Return the intent; raises `ContractError` for a pattern or loss that names nothing, or a name on both sides."""
    trace = flow.trace
    names = [tensor.names for tensor in trace.tensors]
    frozen = _matching(contract.frozen, names, "--frozen")
    trainable = _matching(contract.trainable, names, "--trainable")
    both = frozen & trainable
    if both:
        raise ContractError(
            f"{trace.tensors[min(both)].names[0]!r} is both frozen and trainable by the contract.\n  Make one pattern narrower."
        )
    frozen_since = _frozen_since(flow)
    carried = frozenset(_carried(flow, frozen_since))
    tried = frozenset(_tried(flow))
    declared = {t for d in trace.declarations if d.kind == "requires_grad" and not d.value for t in d.tensors}
    undone = _undone(flow)
    at_rest = features_only(flow)
    fixed, learn = set(frozen), set(trainable)
    for index, tensor in enumerate(trace.tensors):
        if index in frozen or index in trainable or tensor.kind == "buffer":
            continue
        if (
            index in tried
            or index in undone
            or index in at_rest
            or (index in declared and index not in carried and not tensor.requires_grad)
        ):
            fixed.add(index)
        elif index in carried or tensor.requires_grad:
            learn.add(index)
    return Intent(
        frozenset(learn),
        frozenset(fixed),
        frozenset(frozen | trainable),
        carried,
        tried,
        frozen_since,
        _for_losses(flow, contract.frozen_for_loss, names, "--frozen"),
        _for_losses(flow, contract.trainable_for_loss, names, "--trainable"),
    )


def _carried(flow: FlowGraph, frozen_since: Mapping[int, int]) -> Iterable[int]:
    """Yield what required grad when some loss was computed from it.

    What was frozen before the first backward of every such loss was not, where no gradient leads back to what it was before:
    then only numbers come from that time, the ranges of a calibration, say, or the buffers that a module made of its weights.
    """
    first = [min(flow.trace.backwards[b].after for b in loss.backwards) for loss in flow.losses]
    values = flow.trace.values
    for value, tensor in enumerate(values.tensor):
        if tensor == NONE or not flow.data[value] or not values.flags[value] & REQUIRES_GRAD:
            continue
        since = frozen_since.get(tensor)
        if (
            since is None
            or flow.gradient[value]
            or any(flow.data[value] >> number & 1 and after <= since for number, after in enumerate(first))
        ):
            yield tensor


def _frozen_since(flow: FlowGraph) -> dict[int, int]:
    """Return when each tensor that ends up frozen was frozen for the last time: the number of ops that had run."""
    since: dict[int, int] = {}
    for declaration in flow.trace.declarations:
        if declaration.kind == "requires_grad":
            for tensor in declaration.tensors:
                if declaration.value:
                    since.pop(tensor, None)
                else:
                    since.setdefault(tensor, declaration.after)
    return since


def _undone(flow: FlowGraph) -> set[int]:
    """Return what was frozen and made trainable again, along with more, before any step could leave it out.

    A freeze of a part, undone by a switch of the whole, had no effect: one of the two lines is an error. A network that is
    switched off for some steps and on again (alternating optimisation, gradual unfreezing) is left alone.
    """
    trace = flow.trace
    frozen: dict[int, tuple[int, int]] = {}  # tensor → when and where it was frozen
    by_site: dict[int, set[int]] = {}
    for declaration in trace.declarations:
        if declaration.kind == "requires_grad" and declaration.value:
            by_site.setdefault(declaration.site, set()).update(declaration.tensors)
    together: dict[int, set[int]] = {}
    undone: set[int] = set()
    for declaration in trace.declarations:
        if declaration.kind != "requires_grad":
            continue
        for tensor in declaration.tensors:
            if not declaration.value:
                frozen.setdefault(tensor, (declaration.after, declaration.site))
                together.setdefault(declaration.site, set()).add(tensor)
            elif tensor in frozen:
                since, site = frozen.pop(tensor)
                stepped = any(
                    since <= step.after <= declaration.after
                    for step in trace.steps
                    if step.optimizer in {o for o, _ in flow.tensors[tensor].optimizers}
                ) or any(since <= pause <= declaration.after for pause in trace.pauses)
                if not stepped and by_site[declaration.site] > together[site]:
                    undone.add(tensor)
    return undone


def _matching(patterns: Iterable[str], names: list[tuple[str, ...]], option: str) -> set[int]:
    return {tensor for pattern in patterns for tensor in check_pattern(pattern, names, option)}


def _for_losses(
    flow: FlowGraph, wanted: Mapping[str, tuple[str, ...]], names: list[tuple[str, ...]], option: str
) -> dict[int, frozenset[int]]:
    result: dict[int, frozenset[int]] = {}
    for loss, patterns in wanted.items():
        check_loss(loss, patterns, {known.name for known in flow.losses}, option)
        tensors = frozenset(_matching(patterns, names, option))
        for index in (i for i, known in enumerate(flow.losses) if known.name == loss):
            result[index] = result.get(index, frozenset()) | tensors
    return result


def _tried(flow: FlowGraph) -> Iterable[int]:
    """Yield what sits below a module with a `requires_grad` attribute of its own, or has a misspelt flag itself."""
    trace = flow.trace
    flagged = {i for i, module in enumerate(trace.modules) if module.attributes}
    for index, tensor in enumerate(trace.tensors):
        module = tensor.module
        if tensor.kind != "buffer" and any(is_misspelt(name) for name in tensor.attributes):
            yield index
        while module != NONE and tensor.kind != "buffer":
            if module in flagged:
                yield index
            module = trace.modules[module].parent


def is_misspelt(name: str) -> bool:
    """Return whether an attribute name reads like `requires_grad` but is not."""
    plain = name.replace("_", "").lower()
    return name != "requires_grad" and plain in {
        "requiregrad",
        "requiresgrad",
        "requiregrads",
        "requiresgrads",
        "requiredgrad",
        "reqiresgrad",
        "requiresgradient",
        "needsgrad",
        "trainable",
        "frozen",
        "requiregradient",
        "requriesgrad",
        "requresgrad",
    }
