"""Holds a flow against a contract: runs every rule and writes down the verdict for each parameter."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace

from gradcheck_freeze.flow.graph import FlowGraph
from gradcheck_freeze.rules.case import build_case
from gradcheck_freeze.rules.colour import coloured_graph
from gradcheck_freeze.rules.contract import Contract
from gradcheck_freeze.rules.diagnosis import (
    Diagnosis,
    GuardRecord,
    LossRecord,
    OptimizerMembership,
    OptimizerRecord,
    ParameterRecord,
    ScriptRecord,
    Window,
)
from gradcheck_freeze.rules.finding import Finding, Severity
from gradcheck_freeze.rules.frozen_moved_later import changed_at_the_end
from gradcheck_freeze.rules.gradient_never_zeroed import gradient_never_zeroed
from gradcheck_freeze.rules.gradient_thrown_away import gradient_thrown_away
from gradcheck_freeze.rules.ignores import set_aside
from gradcheck_freeze.rules.intent import Intent, read_intent
from gradcheck_freeze.rules.missing_from_optimizer import missing_from_optimizer
from gradcheck_freeze.rules.never_learns import never_learns
from gradcheck_freeze.rules.only_chooses import only_choosing
from gradcheck_freeze.rules.path_leaves_torch import path_leaves_torch
from gradcheck_freeze.rules.places import excerpts, names_of, place, relative
from gradcheck_freeze.rules.planned import plan_of
from gradcheck_freeze.rules.table import RULES
from gradcheck_freeze.trace.record import NONE, Trace
from gradcheck_freeze.trace.training import GradientState

_ECHOES = frozenset({gradient_thrown_away.code, gradient_never_zeroed.code, never_learns.code})


def judge(flow: FlowGraph, contract: Contract) -> Diagnosis:
    """Return the diagnosis; raises `ContractError` for a pattern that names nothing."""
    intent = read_intent(flow, contract)
    case = build_case(flow, intent)
    case = replace(case, choosing=only_choosing(case))
    found = sorted(_without_echoes(f for rule in RULES for f in rule.check(case)), key=_order)
    findings, ignored, unneeded = set_aside(found, contract.ignores, [t.names for t in flow.trace.tensors])
    parameters = _parameters(flow, intent, findings, ignored)
    by_name = {p.name: p for p in parameters}
    trace = flow.trace
    script = trace.script
    return Diagnosis(
        findings=findings,
        parameters=by_name,
        losses=_losses(flow),
        optimizers=_optimizers(flow),
        graph=coloured_graph(flow, intent, {name: p.state for name, p in by_name.items()}, findings),
        window=_window(trace),
        script=ScriptRecord(relative(script.path, trace.root), script.arguments, script.exit_status)
        if script
        else None,
        gaps=tuple(dict.fromkeys([*(gap.what for gap in trace.gaps), *changed_at_the_end(case)])),
        excerpts=excerpts(trace, found),
        torch_version=trace.torch_version,
        ignored=ignored,
        unneeded=unneeded,
        plan=plan_of(flow),
    )


def _window(trace: Trace) -> Window:
    guarded = None
    if trace.guarded is not None:
        changed = names_of(trace, {change.tensor for change in trace.guarded.changes})
        guarded = GuardRecord(len(trace.guarded.tensors), trace.guarded.last_step, changed)
    stretches: list[tuple[int, ...]] = []
    for first, last in trace.watched:
        if first <= last:
            joined = bool(stretches) and stretches[-1][1] == first - 1
            stretches.append((stretches.pop()[0] if joined else first, last))
    return Window(len(trace.ops), len(trace.backwards), len(trace.steps), trace.closed, tuple(stretches), guarded)


def _without_echoes(findings: Iterable[Finding]) -> list[Finding]:
    """Leave out what is said of a gradient that a leak or blockage explains: mending that ends it, or changes it.

    And that no optimizer holds what was made at the line of a cut: it is computed, and must not be a parameter at all.
    """
    found = list(findings)
    cuts = {(f.cause.path, f.cause.line) for f in found if f.rule == path_leaves_torch.code and f.cause}
    found = [
        f
        for f in found
        if f.rule != missing_from_optimizer.code or not f.cause or (f.cause.path, f.cause.line) not in cuts
    ]
    blamed = {
        name
        for f in found
        if f.severity > Severity.NOTE and f.kind in ("leak", "blockage") and f.rule not in _ECHOES
        for name in f.parameters
    }
    return [f for f in found if f.rule not in _ECHOES or not blamed.issuperset(f.parameters)]


def _order(finding: Finding) -> tuple[int, str, str, int, str]:
    cause = finding.cause
    return (-finding.severity, finding.rule, cause.path if cause else "", cause.line if cause else 0, finding.where)


def _parameters(
    flow: FlowGraph, intent: Intent, findings: Iterable[Finding], ignored: Iterable[Finding]
) -> list[ParameterRecord]:
    trace = flow.trace
    leaking = {name for f in findings if f.kind == "leak" for name in f.parameters}
    blocked = {name for f in findings if f.kind == "blockage" for name in f.parameters}
    spoken = {name for f in (*findings, *ignored) for name in f.parameters}
    accepted = {name for f in ignored if f.kind == "blockage" for name in f.parameters}
    records = []
    # A tensor that the model no longer has may bear the name of the one that took its place, which is the one to report.
    order = sorted(range(len(trace.tensors)), key=lambda t: trace.tensors[t].alive)
    taken = {name for tensor in trace.tensors if tensor.alive for name in tensor.names}
    for index, tensor in ((t, trace.tensors[t]) for t in order):
        name = next((n for n in tensor.names if n in spoken), tensor.names[0])  # the name that a finding calls it by
        seen = flow.tensors[index]
        replaced = not tensor.alive and name not in spoken and name in taken
        if (
            not name
            or replaced
            or (
                tensor.kind == "tensor"
                and not seen.optimizers
                and not tensor.registered
                and "." not in name
                and not seen.received
            )
        ):
            continue
        gradient = trace.gradients.get(index, GradientState("none"))
        state = "LEAK" if name in leaking else "BLOCKED" if name in blocked else _state(flow, intent, index, gradient)
        if name in accepted and state == "learning" and not (seen.changed or seen.written):
            state = "frozen"  # it stands still, and that is accepted
        ratios = [r for s in seen.changed if (r := trace.steps[s].changed[index]) is not None]
        records.append(
            ParameterRecord(
                name,
                tuple(n for n in tensor.names if n != name),
                tensor.kind,
                trace.modules[tensor.module].name if tensor.module != NONE else "",
                tensor.shape,
                tensor.dtype,
                tensor.numel,
                tensor.requires_grad or index in intent.carried,
                tuple(OptimizerMembership(trace.optimizers[o].name, g) for o, g in seen.optimizers),
                gradient.state,
                gradient.norm,
                bool(seen.changed or seen.written),
                ratios[-1] if ratios else None,
                tuple(loss.name for i, loss in enumerate(flow.losses) if seen.received >> i & 1),
                state,
                place(trace, tensor.declared),
            )
        )
    return sorted(records, key=lambda record: record.name)


def _state(flow: FlowGraph, intent: Intent, index: int, gradient: GradientState) -> str:
    seen, kind = flow.tensors[index], flow.trace.tensors[index].kind
    if kind == "buffer":
        return "learning" if seen.written or seen.changed else "frozen" if seen.data else "idle"
    if index in intent.fixed or (not seen.received and index not in intent.carried and seen.data):
        return "frozen"
    if seen.received and (seen.changed or seen.written or gradient.state != "none"):
        return "learning"
    return "idle"


def _losses(flow: FlowGraph) -> tuple[LossRecord, ...]:
    trace = flow.trace
    return tuple(
        LossRecord(
            loss.name,
            place(trace, loss.site, "backward"),
            len(loss.backwards),
            names_of(trace, (t for t, seen in enumerate(flow.tensors) if seen.received >> number & 1)),
        )
        for number, loss in enumerate(flow.losses)
    )


def _optimizers(flow: FlowGraph) -> tuple[OptimizerRecord, ...]:
    trace = flow.trace
    records = []
    for number, optimizer in enumerate(trace.optimizers):
        steps = [step for step in trace.steps if step.optimizer == number]
        held = {t for group in optimizer.groups for t in group.tensors}
        losses = {trace.backwards[b].name for step in steps for bs in step.losses.values() for b in bs}
        records.append(
            OptimizerRecord(
                optimizer.name,
                optimizer.type_name,
                place(trace, optimizer.built, "optimizer"),
                len(steps),
                names_of(trace, held),
                names_of(trace, {t for step in steps for t in step.changed}),
                tuple(sorted(losses)),
            )
        )
    return tuple(records)
