"""Judges a run that was watched in several windows: as a whole, and every window on its own.

What holds in one window may not in the next: a loss that is detached from the third epoch on has taught its parameters before.
Of a window's own findings those are added that the whole does not have, with the steps in which they hold.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradcheck_freeze.errors import ContractError
from gradcheck_freeze.flow.build import build
from gradcheck_freeze.rules.contract import Contract, fitting
from gradcheck_freeze.rules.detached_path import detached_path
from gradcheck_freeze.rules.diagnosis import Diagnosis
from gradcheck_freeze.rules.finding import Finding
from gradcheck_freeze.rules.judge import judge
from gradcheck_freeze.rules.path_leaves_torch import path_leaves_torch
from gradcheck_freeze.rules.path_under_no_grad import path_under_no_grad
from gradcheck_freeze.rules.path_without_derivative import path_without_derivative
from gradcheck_freeze.trace.record import REQUIRES_GRAD, Ops, Trace, Values
from gradcheck_freeze.trace.training import GradientState

_MOST_WINDOWS = 12  # judged on their own: each is as much work as the run up to its end
_RANK = ("none", "zero", "finite", "nonfinite")
# What is seen to be done there. A leak in one window is one in the whole; and that something has no part in a few steps is
# nothing to say of a run that has more.
_CUTS = {rule.code for rule in (detached_path, path_under_no_grad, path_leaves_torch, path_without_derivative)}


def judge_windows(trace: Trace, contract: Contract) -> Diagnosis:
    """Return the diagnosis of a run; raises `ContractError` for a pattern that names nothing."""
    whole = judge(build(trace), contract)
    ends = [*trace.pauses, len(trace.ops)]
    starts = [0, *trace.pauses]
    stretches = list(zip(starts, ends, strict=True))[-len(trace.watched) :] if trace.watched else []
    if len(stretches) < 2:
        return whole
    known = {(f.rule, name) for f in (*whole.findings, *whole.ignored) for name in f.parameters or (f.where,)}
    added: list[Finding] = []
    excerpts = dict.fromkeys(whole.excerpts)
    for number in _chosen(len(stretches)):
        if trace.watched[number][0] > trace.watched[number][1]:  # the program ended before its first step
            continue
        try:
            part = judge(build(only(trace, *stretches[number])), contract)
        except ContractError:  # a loss that the contract names is not computed in this window
            continue
        for finding in part.findings:
            about = {(finding.rule, name) for name in finding.parameters or (finding.where,)}
            if finding.rule in _CUTS and not about & known:
                first, last = trace.watched[number]
                added.append(replace(finding, message=f"in steps {first:,}–{last:,}: {finding.message}"))
                known |= about
                excerpts |= dict.fromkeys(e for e in part.excerpts if finding.cause and e.path == finding.cause.path)
    return replace(_with(whole, added), excerpts=tuple(sorted(excerpts, key=lambda e: (e.path, e.first_line))))


def about(trace: Trace, contract: Contract) -> Contract:
    """Return what of a contract is about the tensors and losses of a trace, where it is that of a whole of which this is a part."""
    names = [tensor.names for tensor in trace.tensors]
    losses = build(trace).losses if contract.frozen_for_loss or contract.trainable_for_loss else ()
    return fitting(contract, names, {loss.name for loss in losses})


def _chosen(count: int) -> Iterable[int]:
    """Return the numbers of the windows that are judged on their own: all, or some from the first to the last."""
    if count <= _MOST_WINDOWS:
        return range(count)
    return sorted({round(i * (count - 1) / (_MOST_WINDOWS - 1)) for i in range(_MOST_WINDOWS)})


def _with(whole: Diagnosis, added: list[Finding]) -> Diagnosis:
    if not added:
        return whole
    findings = sorted((*whole.findings, *added), key=lambda f: (-f.severity, f.rule, f.where))
    cut = {name for finding in added for name in finding.parameters}
    parameters = {
        name: replace(record, state="BLOCKED") if name in cut and record.state != "LEAK" else record
        for name, record in whole.parameters.items()
    }
    return replace(whole, findings=tuple(findings), parameters=parameters)


def only(trace: Trace, start: int, end: int) -> Trace:
    """Return the trace of one window: the ops up to its end, and of what was taught, that which was in it."""
    kept = [number for number, backward in enumerate(trace.backwards) if start < backward.after <= end]
    new = {number: position for position, number in enumerate(kept)}
    backwards = [trace.backwards[number] for number in kept]
    steps = [
        replace(
            step,
            losses={
                t: inside for t, losses in step.losses.items() if (inside := tuple(new[b] for b in losses if b in new))
            },
        )
        for step in trace.steps
        if start < step.after <= end
    ]
    received = {t for backward in backwards for t in backward.received}
    gradients = {t: state for t, state in trace.gradients.items() if t in received}
    for step in steps:
        for tensor, state in step.gradients.items():
            best = gradients.get(tensor) if tensor in received else None
            gradients[tensor] = max(best or GradientState("none"), state, key=lambda s: _RANK.index(s.state))
    ops, values = _until(trace, end)
    last = {}
    for value in ops.inputs:
        if (tensor := values.tensor[value]) >= 0:
            last[tensor] = bool(values.flags[value] & REQUIRES_GRAD)
    return replace(
        trace,
        ops=ops,
        values=values,
        tensors=[replace(t, requires_grad=last.get(i, t.requires_grad)) for i, t in enumerate(trace.tensors)],
        backwards=backwards,
        steps=steps,
        skipped=[step for step in trace.skipped if start < step.after <= end],
        writes=[write for write in trace.writes if start <= write.after <= end and write.op < end],
        zeroings=[zeroing for zeroing in trace.zeroings if start <= zeroing.after <= end],
        discarded={
            t: inside for t, lost in trace.discarded.items() if (inside := tuple(new[b] for b in lost if b in new))
        },
        handed={t: tuple(h for h in at if start <= h[0] <= end) for t, at in trace.handed.items()},
        declarations=[declaration for declaration in trace.declarations if declaration.after <= end],
        gradients=gradients,
        kept=[],
        pauses=[pause for pause in trace.pauses if pause <= start],
        fed_earlier=trace.fed_earlier | {t for b in trace.backwards if b.after <= start for t in b.received},
    )


def _until(trace: Trace, end: int) -> tuple[Ops, Values]:
    """Return the ops before a time, and the values that were there."""
    ops, values = trace.ops, trace.values
    inputs, outputs = ops.first_input[end], ops.first_output[end]
    read, made = ops.inputs[:inputs], ops.outputs[:outputs]
    there = 1 + max((*read, *made), default=-1)
    cut = Ops(
        ops.name[:end],
        ops.site[:end],
        ops.call[:end],
        ops.mode[:end],
        {op: site for op, site in ops.mode_site.items() if op < end},
        ops.first_input[: end + 1],
        read,
        ops.first_output[: end + 1],
        made,
    )
    after = {value: time for value, time in values.after.items() if value < there}
    return cut, Values(values.op[:there], values.flags[:there], values.tensor[:there], after)
