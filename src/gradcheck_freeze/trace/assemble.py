"""Turns what a recorder holds into a `Trace`: slots become watched tensors, positions become lines, losses get names."""

from __future__ import annotations

import math
from array import array
from bisect import bisect_left
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import torch

from gradcheck_freeze.trace import plan
from gradcheck_freeze.trace.losses import Recorded, named
from gradcheck_freeze.trace.memory import has_memory
from gradcheck_freeze.trace.record import (
    NONE,
    REQUIRES_GRAD,
    Declaration,
    Guarded,
    LaterChange,
    Lookup,
    ModuleCall,
    Site,
    Trace,
    WatchedModule,
    WatchedTensor,
)
from gradcheck_freeze.trace.training import Backward, Masking, Step, WatchedOptimizer, Write

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder

_T = TypeVar("_T")
_Row = TypeVar("_Row", Lookup, Masking, Write, LaterChange)


def assemble(recorder: Recorder, guarded: Guarded | None = None) -> Trace:
    """Return the trace of a run whose last window is closed, or about to be."""
    stepping, gradients, values = recorder.stepping, recorder.gradients, recorder.ops.values
    sites = recorder.sites.resolve()
    modules, module_index = recorder.inventory.watched_modules()
    tensors, slots = _tensors(recorder, modules, module_index)
    without_memory = _without_memory(recorder, tensors, slots)
    gradient_of = _gradient_of(recorder, slots)
    values.tensor = array("i", [slots.get(slot, NONE) if slot != NONE else NONE for slot in values.tensor])
    return Trace(
        op_names=recorder.ops.names,
        boxes=frozenset(recorder.ops.boxes),
        sites=sites,
        ops=recorder.ops.ops,
        values=values,
        tensors=tensors,
        modules=modules,
        calls=[
            ModuleCall(module_index.get(module, NONE), parent, site, training)
            for module, parent, site, training in recorder.modules.calls
        ],
        backwards=_backwards(recorder, sites, slots),
        optimizers=_optimizers(recorder, slots),
        steps=_steps(recorder, slots),
        skipped=[replace(step, gradients=_by_tensor(step.gradients, slots)) for step in stepping.skipped],
        lookups=list(_with_tensor(recorder.lookups.found.values(), slots)),
        maskings=list(_with_tensor(recorder.masks.found.values(), slots)),
        at_values=recorder.backwards.at_values,
        singular=recorder.singular.found,
        not_numbers=frozenset(recorder.singular.not_numbers),
        gradient_of=gradient_of,
        writes=list(_with_tensor(stepping.writes, slots)),
        zeroings=[replace(zeroing, tensors=_those(zeroing.tensors, slots)) for zeroing in gradients.zeroings],
        discarded={tensor: tuple(held) for tensor, held in _by_tensor(gradients.discarded, slots).items()},
        handed={tensor: tuple(times) for tensor, times in _by_tensor(gradients.handed, slots).items()},
        rank=recorder.rank,
        prints=[replace(held, of=_by_tensor(held.of, slots)) for held in stepping.compared],
        lent=frozenset(_those(gradients.lent, slots)),
        kept=list(recorder.kept.found.values()),
        declarations=_declarations(recorder, module_index, slots),
        gradients=_by_tensor(gradients.states, slots),
        gradient_bytes=_by_tensor(gradients.sizes, slots),
        without_memory=without_memory,
        gaps=[*recorder.gaps, *plan.gaps(len(without_memory))],
        watched=recorder.pace.watched,
        pauses=recorder.pace.pauses,
        fed_earlier=frozenset(_those(gradients.fed_earlier, slots)),
        guarded=_guarded(guarded, slots),
        closed=recorder.closed or "",
        torch_version=torch.__version__,
        root=str(Path.cwd()),
    )


# From slots to tensors: what has no name is left out


def _those(held: Iterable[int], slots: dict[int, int]) -> tuple[int, ...]:
    return tuple(slots[slot] for slot in held if slot in slots)


def _by_tensor(held: Mapping[int, _T], slots: dict[int, int]) -> dict[int, _T]:
    return {slots[slot]: value for slot, value in held.items() if slot in slots}


def _with_tensor(rows: Iterable[_Row], slots: dict[int, int]) -> Iterator[_Row]:
    return (replace(row, tensor=slots[row.tensor]) for row in rows if row.tensor in slots)


# The tensors themselves


def _tensors(
    recorder: Recorder, modules: list[WatchedModule], module_index: dict[int, int]
) -> tuple[list[WatchedTensor], dict[int, int]]:
    """Return the tensors that are told of, and for each slot its index there."""
    inventory = recorder.inventory
    further = recorder.optimizers.names_of_held()
    for slot in recorder.gradients.gradient_slots.values():
        further.setdefault(slot, "")  # a leaf whose `.grad` the user's code reads, in a variable that nobody searched
    for kind, value, slot, _, _ in recorder.declaring.made:
        if kind == "requires_grad" and not value:
            further.setdefault(slot, "")  # what was frozen and then replaced or dropped, before it got a name
    tensors, slots = inventory.watched_tensors(module_index, further)
    for slot, inner in inventory.spreading.flattened.items():
        if slot in inventory.kept and slot in slots:
            flat = tensors[slots[slot]].names[0]
            recorder.gap(
                f"{flat} is {len(inner)} parameters in one ({', '.join(inner[:20])}): what is said of it is not told apart"
            )
    _add_short_lived(recorder, modules, module_index, tensors, slots)
    return _with_last_read(recorder, tensors, slots), slots


def _without_memory(recorder: Recorder, tensors: list[WatchedTensor], slots: dict[int, int]) -> frozenset[int]:
    """Return the tensors that have a shape only; a bare one only where it is trained."""
    live = recorder.ops.tensors.slots
    trained = recorder.optimizers.held() | recorder.gradients.states.keys()
    return frozenset(
        index
        for slot, index in slots.items()
        if (tensor := live[slot]()) is not None
        and not has_memory(tensor)
        and (tensors[index].kind != "tensor" or slot in trained)
    )


def _add_short_lived(
    recorder: Recorder,
    modules: list[WatchedModule],
    index: dict[int, int],
    tensors: list[WatchedTensor],
    slots: dict[int, int],
) -> None:
    """Add the parameters of modules made anew in every forward, those of all calls under one name."""
    by_name: dict[str, int] = {}
    for slot, parent, name, shape, dtype in recorder.inventory.short_lived:
        if slot in slots or parent not in index:
            continue
        full = f"{modules[index[parent]].name}.{name}"
        if full not in by_name:
            by_name[full] = len(tensors)
            declared = recorder.inventory.tensor_declared.get(slot, NONE)
            tensors.append(
                WatchedTensor(
                    (full,),
                    "parameter",
                    shape,
                    dtype.removeprefix("torch."),
                    math.prod(shape),
                    True,
                    False,
                    index[parent],
                    False,
                    declared,
                )
            )
        slots[slot] = by_name[full]


def _with_last_read(recorder: Recorder, tensors: list[WatchedTensor], slots: dict[int, int]) -> list[WatchedTensor]:
    """Set `requires_grad` to what held when the tensor was last read by an op."""
    values, ops = recorder.ops.values, recorder.ops.ops
    last: dict[int, bool] = {}
    for value in ops.inputs:
        slot = values.tensor[value]
        if slot in slots:
            last[slots[slot]] = bool(values.flags[value] & REQUIRES_GRAD)
    return [replace(t, requires_grad=last.get(i, t.requires_grad)) for i, t in enumerate(tensors)]


# What happened to them


def _backwards(recorder: Recorder, sites: list[Site], slots: dict[int, int]) -> list[Backward]:
    """Return the backward calls, with the names of their losses."""
    recorded = Recorded(sites, recorder.ops.ops, recorder.ops.values, recorder.modules.calls)
    return [
        replace(
            named(backward, recorder.backwards.loss_names.get(number), recorded),
            received=_those(backward.received, slots),
        )
        for number, backward in enumerate(recorder.backwards.calls)
    ]


def _optimizers(recorder: Recorder, slots: dict[int, int]) -> list[WatchedOptimizer]:
    optimizers = recorder.optimizers
    return [
        WatchedOptimizer(
            title,
            optimizers.type_names[number],
            built,
            tuple(replace(group, tensors=_those(group.tensors, slots)) for group in optimizers.groups[number]),
            after,
            optimizers.schedules.get(number, NONE),
            optimizers.loaded.get(number, NONE),
        )
        for number, (title, (built, after)) in enumerate(zip(optimizers.titles(), optimizers.built, strict=True))
    ]


def _steps(recorder: Recorder, slots: dict[int, int]) -> list[Step]:
    return [
        replace(
            step,
            gradients=_by_tensor(step.gradients, slots),
            losses=_by_tensor(step.losses, slots),
            changed=_by_tensor(step.changed, slots),
            moved_at_zero=_those(step.moved_at_zero, slots),
        )
        for step in recorder.stepping.steps
    ]


def _declarations(recorder: Recorder, module_index: dict[int, int], slots: dict[int, int]) -> list[Declaration]:
    """Return all declarations in the order of time."""
    found = [*_made(recorder, slots), *_switches(recorder, module_index), *_walks(recorder)]
    return sorted(found, key=lambda declaration: declaration.after)


def _made(recorder: Recorder, slots: dict[int, int]) -> list[Declaration]:
    """Return what was declared of tensors, what was declared at one place between the same two steps as one."""
    merged: list[Declaration] = []
    steps = [step.after for step in recorder.stepping.steps]
    for kind, value, slot, site, after in recorder.declaring.made:
        if slot not in slots:
            continue
        last = merged[-1] if merged else None
        if (
            last is not None
            and (last.kind, last.value, last.site) == (kind, value, site)
            and bisect_left(steps, last.after) == bisect_left(steps, after)
        ):
            if slots[slot] not in last.tensors:
                merged[-1] = replace(last, tensors=(*last.tensors, slots[slot]))
        else:
            merged.append(Declaration(kind, value, (slots[slot],), (), site, after))
    return merged


def _switches(recorder: Recorder, index: dict[int, int]) -> list[Declaration]:
    """Return every `train()` and `eval()` of a module that has a name."""
    return [
        Declaration("mode", mode, (), (index[number],), site, after)
        for number, mode, site, after in recorder.modules.switches
        if number in index
    ]


def _walks(recorder: Recorder) -> list[Declaration]:
    """Return the lines that went over the names of parameters."""
    return [Declaration("walked", True, (), (), site, after) for site, after in recorder.declaring.walked.items()]


def _gradient_of(recorder: Recorder, slots: dict[int, int]) -> dict[int, int]:
    """Return the values that are the `.grad` of a watched tensor, as the user's code read it."""
    known = {slot: slots[leaf] for slot, leaf in recorder.gradients.gradient_slots.items() if leaf in slots}
    if not known:
        return {}
    return {value: known[slot] for value, slot in enumerate(recorder.ops.values.tensor) if slot in known}


def _guarded(guarded: Guarded | None, slots: dict[int, int]) -> Guarded | None:
    """Return what the guard found, by tensor."""
    if guarded is None:
        return None
    changes = tuple(_with_tensor(guarded.changes, slots))
    return replace(guarded, tensors=_those(guarded.tensors, slots), changes=changes)
