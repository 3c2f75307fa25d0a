"""Turns what a recorder holds into a `Trace`: slots become watched tensors, positions become lines, losses get names."""

from __future__ import annotations

from array import array
from bisect import bisect_left
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import torch

from gradcheck_freeze.trace import plan
from gradcheck_freeze.trace.losses import Heard, named
from gradcheck_freeze.trace.memory import has_memory
from gradcheck_freeze.trace.record import (
    NONE,
    REQUIRES_GRAD,
    Declaration,
    Guarded,
    ModuleCall,
    Trace,
    WatchedModule,
    WatchedOptimizer,
    WatchedTensor,
)

if TYPE_CHECKING:
    from gradcheck_freeze.trace.recorder import Recorder


def assemble(recorder: Recorder, guarded: Guarded | None = None) -> Trace:
    """Return the trace of a run whose last window is closed, or about to be."""
    inventory, stepping, gradients = recorder.inventory, recorder.stepping, recorder.gradients
    sites = recorder.sites.resolve()
    modules, module_index = inventory.watched_modules()
    in_groups = _names_in_groups(recorder)
    for slot in gradients.gradient_slots.values():
        in_groups.setdefault(slot, "")  # a leaf whose `.grad` the user's code reads, in a variable that nobody searched
    for kind, value, slot, _, _ in recorder.declaring.made:
        if kind == "requires_grad" and not value:
            in_groups.setdefault(slot, "")  # what was frozen and then replaced or dropped, before it got a name
    tensors, slots = inventory.watched_tensors(module_index, in_groups)
    for slot, inner in inventory.spreading.flattened.items():
        if slot in inventory.kept and slot in slots:
            flat = tensors[slots[slot]].names[0]
            recorder.gap(
                f"{flat} is {len(inner)} parameters in one ({', '.join(inner[:20])}): what is said of it is not told apart"
            )
    _add_short_lived(recorder, modules, module_index, tensors, slots)
    tensors = _with_last_read(recorder, tensors, slots)

    def of(held: tuple[int, ...]) -> tuple[int, ...]:
        return tuple(slots[slot] for slot in held if slot in slots)

    references = recorder.ops.tensors.slots
    trained = {s for groups in stepping.groups for group in groups for s in group.tensors} | gradients.states.keys()
    without_memory = frozenset(
        i
        for s, i in slots.items()
        if (t := references[s]()) is not None and not has_memory(t) and (tensors[i].kind != "tensor" or s in trained)
    )
    gradient_of = _gradient_of(recorder, slots)
    values = recorder.ops.values
    values.tensor = array("i", [slots.get(slot, NONE) if slot != NONE else NONE for slot in values.tensor])
    optimizer_names = _optimizer_names(recorder)
    heard = Heard(sites, recorder.ops.ops, values, recorder.modules.calls)
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
        backwards=[
            replace(named(backward, recorder.loss_names.get(number), heard), received=of(backward.received))
            for number, backward in enumerate(gradients.backwards)
        ],
        optimizers=[
            WatchedOptimizer(
                optimizer_names[number],
                stepping.type_names[number],
                built,
                tuple(replace(group, tensors=of(group.tensors)) for group in stepping.groups[number]),
                after,
                stepping.schedules.get(number, NONE),
                stepping.loaded.get(number, NONE),
            )
            for number, (built, after) in enumerate(stepping.built)
        ],
        steps=[
            replace(
                step,
                gradients={slots[s]: state for s, state in step.gradients.items() if s in slots},
                losses={slots[s]: losses for s, losses in step.losses.items() if s in slots},
                changed={slots[s]: ratio for s, ratio in step.changed.items() if s in slots},
                moved_at_zero=of(step.moved_at_zero),
            )
            for step in stepping.steps
        ],
        skipped=[
            replace(step, gradients={slots[s]: state for s, state in step.gradients.items() if s in slots})
            for step in stepping.skipped
        ],
        lookups=[replace(found, tensor=slots[s]) for s, found in recorder.lookups.found.items() if s in slots],
        maskings=[replace(found, tensor=slots[s]) for s, found in recorder.masks.found.items() if s in slots],
        at_values=gradients.at_values,
        singular=recorder.singular.found,
        not_numbers=frozenset(recorder.singular.not_numbers),
        gradient_of=gradient_of,
        writes=[replace(write, tensor=slots[write.tensor]) for write in stepping.writes if write.tensor in slots],
        zeroings=[replace(zeroing, tensors=of(zeroing.tensors)) for zeroing in gradients.zeroings],
        discarded={slots[s]: tuple(held) for s, held in gradients.discarded.items() if s in slots},
        handed={slots[s]: tuple(times) for s, times in gradients.handed.items() if s in slots},
        rank=recorder.rank,
        prints=[
            replace(held, of={slots[s]: number for s, number in held.of.items() if s in slots})
            for held in stepping.compared
        ],
        lent=frozenset(of(tuple(gradients.lent))),
        kept=list(recorder.kept.found.values()),
        declarations=sorted(
            [*_declarations(recorder, slots), *_switches(recorder, module_index), *_walks(recorder)],
            key=lambda declaration: declaration.after,
        ),
        gradients={slots[s]: state for s, state in gradients.states.items() if s in slots},
        gradient_bytes={slots[s]: size for s, size in gradients.sizes.items() if s in slots},
        without_memory=without_memory,
        gaps=[*recorder.gaps, *plan.gaps(len(without_memory))],
        watched=recorder.pace.watched,
        pauses=recorder.pace.pauses,
        fed_earlier=frozenset(of(tuple(gradients.fed_earlier))),
        guarded=_guarded(guarded, slots),
        closed=recorder.closed or "",
        torch_version=torch.__version__,
        root=str(Path.cwd()),
    )


def _names_in_groups(recorder: Recorder) -> dict[int, str]:
    """Return a name for every slot that an optimizer holds, for those that have no other."""
    found: dict[int, str] = {}
    names = _optimizer_names(recorder)
    for number in range(len(recorder.stepping.optimizers)):
        for i, group in enumerate(recorder.stepping.groups[number]):
            for j, slot in enumerate(group.tensors):
                found.setdefault(slot, f"{names[number]}.param_groups.{i}.params.{j}")
    return found


def _optimizer_names(recorder: Recorder) -> list[str]:
    stepping = recorder.stepping
    return [stepping.names.get(n, f"{type_name}#{n}") for n, type_name in enumerate(stepping.type_names)]


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
            numel = 1
            for length in shape:
                numel *= length
            declared = recorder.inventory.tensor_declared.get(slot, NONE)
            tensors.append(
                WatchedTensor(
                    (full,),
                    "parameter",
                    shape,
                    dtype.removeprefix("torch."),
                    numel,
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


def _declarations(recorder: Recorder, slots: dict[int, int]) -> list[Declaration]:
    """Return the declarations, those made at one place between the same two steps as one."""
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


def _guarded(guarded: Guarded | None, slots: dict[int, int]) -> Guarded | None:
    """Return what the guard found, by tensor."""
    if guarded is None:
        return None
    changes = tuple(
        replace(change, tensor=slots[change.tensor]) for change in guarded.changes if change.tensor in slots
    )
    return replace(guarded, tensors=tuple(slots[s] for s in guarded.tensors if s in slots), changes=changes)


def _walks(recorder: Recorder) -> list[Declaration]:
    """Return the lines that went over the names of parameters."""
    return [Declaration("walked", True, (), (), site, after) for site, after in recorder.declaring.walked.items()]


def _gradient_of(recorder: Recorder, slots: dict[int, int]) -> dict[int, int]:
    """Return the values that are the `.grad` of a watched tensor, as the user's code read it."""
    known = {slot: slots[leaf] for slot, leaf in recorder.gradients.gradient_slots.items() if leaf in slots}
    if not known:
        return {}
    return {value: known[slot] for value, slot in enumerate(recorder.ops.values.tensor) if slot in known}
