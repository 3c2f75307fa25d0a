"""Runs one random program twice, under the oracle and under the tool, and lists where the two disagree."""

import ast
import random
import sys
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from types import ModuleType
from typing import Any

import torch

from gradcheck_freeze.flow.build import build
from gradcheck_freeze.rules.contract import Contract
from gradcheck_freeze.rules.diagnosis import Diagnosis, ParameterRecord
from gradcheck_freeze.rules.finding import Finding
from gradcheck_freeze.rules.judge import judge
from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.recorder import Recorder

STEPS = 1_000  # more than any program makes: the watch lasts as long as the program
STARVED = frozenset({"GF201", "GF202", "GF203", "GF204", "GF205", "GF206", "GF212"})  # these say: no gradient at all
CUT = frozenset({"GF201", "GF202", "GF203", "GF204", "GF210"})  # these blame a line at which gradient is lost


@contextmanager
def as_main(path: Path) -> Iterator[dict[str, Any]]:
    """Make a fresh `__main__` for a program, as Python does."""
    held, main = sys.modules["__main__"], ModuleType("__main__")
    main.__file__ = str(path)
    sys.modules["__main__"] = main
    random.seed(0)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield vars(main)
    finally:
        sys.modules["__main__"] = held
        torch.set_grad_enabled(True)


def without_the_tool(source: str, path: Path, oracles: ModuleType) -> Any:
    """Run a program by itself and return the oracle's `Facts`."""
    oracle = oracles.Oracle(source)
    code = compile(source, str(path), "exec")
    held = sys.gettrace()
    with as_main(path) as space:
        space["probe"] = oracle
        sys.settrace(oracle.lines.follow(code))
        try:
            exec(code, space)
        finally:
            sys.settrace(held)
    return oracle.facts


def with_the_tool(source: str, path: Path, oracles: ModuleType) -> tuple[Diagnosis, dict[str, str]]:
    """Run a program under the tool and return its diagnosis, and the digest of what the run left behind."""
    left: dict[str, str] = {}

    def probe(event: str, thing: Any) -> None:
        if event == "end":
            with torch._C.DisableTorchFunction():  # what is computed here is none of the program's
                left.update(oracles.digest(oracles.variables(sys._getframe(1))))

    recorder = Recorder(Placement(steps=STEPS))
    with as_main(path) as space:
        space["probe"] = probe
        code = compile(source, str(path), "exec")
        recorder.open()
        try:
            exec(code, space)
        finally:
            trace = recorder.trace()
    return judge(build(trace), Contract()), left


def disagreements(source: str, path: Path, oracles: ModuleType) -> list[str]:
    """Return every point in which the tool's word on a program is not PyTorch's."""
    path.write_text(source)
    facts = without_the_tool(source, path, oracles)
    diagnosis, left = with_the_tool(source, path, oracles)
    found = [
        f"{n}: differs from the run without us" for n in {**left, **facts.left} if left.get(n) != facts.left.get(n)
    ]
    found += [f"gap: {gap}" for gap in diagnosis.gaps]
    records = {short(n): r for r in diagnosis.parameters.values() for n in (r.name, *r.aliases)}
    for truth in facts.parameters:
        found += [f"{truth.names[0]}: {text}" for text in _about_parameter(truth, records, oracles.RANK)]
    for truth in facts.buffers:
        record = records.get(truth.names[0])
        if record is None or record.kind != "buffer" or record.updated != truth.moved:
            found.append(f"{truth.names[0]}: buffer moved {truth.moved}, the record is {record}")
    found += _about_losses(diagnosis, facts)
    found += _about_optimizers(diagnosis, facts)
    truths = {name: truth for truth in facts.parameters for name in truth.names}
    for finding in diagnosis.findings:
        found += [f"{finding.rule} {text}" for text in _about_finding(finding, source, facts, truths)]
    return found + list(_overlooked(diagnosis, facts))


def short(name: str) -> str:
    """Return a name as the trainer's own methods have it, without the variable that holds the trainer."""
    return name.removeprefix("self.").removeprefix("trainer.")


def _about_parameter(truth: Any, records: dict[str, ParameterRecord], ranks: tuple[str, ...]) -> Iterator[str]:
    found = [records.get(name) for name in truth.names]
    record = found[0]
    if record is None:
        if truth.names != ["free"] or truth.fed or truth.members:  # a bare tensor that nothing is done with needs none
            yield "no record"
        return
    if any(other is not record for other in found):
        yield f"one tensor, several records: {truth.names}"
    if not ranks.index(truth.least) <= ranks.index(record.gradient) <= ranks.index(truth.most):
        yield f"gradient {record.gradient}, torch says {truth.least}..{truth.most}"
    if record.updated != truth.moved:
        yield f"updated {record.updated}, torch says {truth.moved}"
    if set(record.losses) != truth.fed:
        yield f"fed by {sorted(record.losses)}, the engine says {sorted(truth.fed)}"
    if len(truth.flags) == 1 and {record.requires_grad} != truth.flags:
        yield f"requires_grad {record.requires_grad}"
    members = {(short(m.name), m.group) for m in record.optimizers}
    if members != truth.members:
        yield f"in {sorted(members)}, really in {sorted(truth.members)}"
    if truth.shape != record.shape or record.kind == "buffer":
        yield f"{record.kind} of shape {record.shape}, really {truth.shape}"


def _about_losses(diagnosis: Diagnosis, facts: Any) -> Iterator[str]:
    calls: dict[str, int] = {}
    for loss in diagnosis.losses:
        calls[loss.name] = calls.get(loss.name, 0) + loss.backward_calls
    if calls != facts.losses:
        yield f"backward calls {calls}, really {facts.losses}"


def _about_optimizers(diagnosis: Diagnosis, facts: Any) -> Iterator[str]:
    known = {short(record.name): record for record in diagnosis.optimizers}
    for name, steps in facts.steps.items():
        record = known.get(name)
        if record is None:
            yield f"{name}: no record among {sorted(known)}"
            continue
        if record.steps != steps:
            yield f"{name}: {record.steps} steps, really {steps}"
        if set(record.losses) != facts.applied[name]:
            yield f"{name}: applied {sorted(record.losses)}, really {sorted(facts.applied[name])}"
        moved = {short(parameter) for parameter in record.updated}
        for truth in facts.parameters:
            if bool(moved & set(truth.names)) != (name in truth.stepped):
                yield f"{name}: moved {truth.names[0]}: {name not in truth.stepped}, really {name in truth.stepped}"


def _about_finding(finding: Finding, source: str, facts: Any, truths: dict[str, Any]) -> Iterator[str]:
    """Hold a finding against what is true of the parameters it names; of a rule unknown here nothing is asked."""
    line = finding.cause.line if finding.cause else 0
    hedged = "come back, if at all" in finding.message  # it says itself that the number may be for the log only
    lines = _uses(source, line)
    if finding.rule in CUT and not lines & facts.on_the_way and not hedged:
        yield f"blames line {line}, which no loss is computed by"
    for name in finding.parameters:
        truth = truths.get(short(name))
        if truth is None:
            continue
        contradicted = {
            "GF101": not truth.stepped,
            "GF102": not truth.fed,
            "GF104": not truth.fed and not truth.stepped,
            "GF105": not truth.stepped,
            "GF207": not truth.fed or bool(truth.members),
            "GF208": not truth.members,
            "GF209": not truth.at_steps <= {"zero", "none"},
            "GF211": bool(truth.stepped),
        }
        starved_falsely = finding.rule in STARVED and (truth.fed or truth.most != "none")
        if starved_falsely or contradicted.get(finding.rule, False):
            yield f"names {name}: fed by {sorted(truth.fed)}, {truth.most}, moved by {sorted(truth.stepped)}, {truth.members}"
        if finding.rule in CUT and not any(facts.lost.get(used, set()) & set(truth.names) for used in lines):
            yield f"blames line {line} for {name}, whose gradient is not lost there"


def _uses(source: str, line: int) -> set[int]:
    """Return the line itself or, where it is a decorator, the lines that call what it decorates."""
    tree = ast.parse(source)
    for node in ast.walk(tree):
        if isinstance(node, ast.FunctionDef) and line in {decorator.lineno for decorator in node.decorator_list}:
            return {
                call.lineno
                for call in ast.walk(tree)
                if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id == node.name
            }
    return {line}


def _overlooked(diagnosis: Diagnosis, facts: Any) -> Iterator[str]:
    """Yield who should learn and cannot, with no finding to say so: its gradient is lost on the way to every loss."""
    told = {short(name) for f in diagnosis.findings if f.kind == "blockage" for name in f.parameters}
    for truth in facts.parameters:
        lines = sorted(line for line in facts.on_the_way if facts.lost.get(line, set()) & set(truth.names))
        # Where the graph is whole and a custom function's backward returned nothing, no line is known to lose it.
        starved = facts.losses and truth.most == "none" and not truth.fed and not truth.connected
        meant_to_learn = truth.members and truth.flags == {True} and not truth.tried
        if starved and meant_to_learn and lines and not told & set(truth.names):
            yield f"{truth.names[0]}: no finding, though its gradient is lost at lines {lines}"
