"""Random programs: what the tool says of every parameter is what PyTorch itself says."""

import importlib.util
import warnings
from pathlib import Path

import pytest
import torch

from gradcheck_freeze.flow.build import build
from gradcheck_freeze.rules.contract import Contract
from gradcheck_freeze.rules.judge import judge
from gradcheck_freeze.trace.recorder import Recorder

_SPEC = importlib.util.spec_from_file_location("programs", Path(__file__).with_name("programs.py"))
programs = importlib.util.module_from_spec(_SPEC)
_SPEC.loader.exec_module(programs)

PROGRAMS, CHUNK = 600, 25


def named(space: dict) -> dict[str, torch.Tensor]:
    found = {
        f"{m}.{n}": p
        for m, module in space["modules"].items()
        for n, p in module.named_parameters(remove_duplicate=False)
    }
    return {**found, "free": space["free"]}


def same(a: torch.Tensor, b: torch.Tensor) -> bool:
    """Return whether two tensors are equal bit for bit; a NaN equals itself here."""
    return a.detach().numpy().tobytes() == b.detach().numpy().tobytes()


class Oracle:
    """Notes, by `.grad` and by comparing clones, what each parameter got and whether it moved."""

    def __init__(self) -> None:
        self.space: dict = {}
        self.fed: dict[str, set[str]] = {}
        self.states: dict[str, set[str]] = {}
        self.moved: set[str] = set()
        self.last: dict[str, torch.Tensor] = {}
        self.grads: dict[str, torch.Tensor | None] = {}

    def __call__(self, event: str, loss: str) -> None:
        parameters = named(self.space)
        for name, parameter in parameters.items():
            gradient = parameter.grad
            if event == "backward":
                before = self.grads.get(name)
                if gradient is not None and (before is None or not same(gradient, before)):
                    self.fed.setdefault(name, set()).add(loss)
            elif event == "before" or event == "end":
                kind = "none" if gradient is None else "finite" if bool(gradient.any()) else "zero"
                if gradient is not None and not bool(gradient.isfinite().all()):
                    kind = "nonfinite"
                self.states.setdefault(name, set()).add(kind)
            if name in self.last and not same(parameter, self.last[name]):
                self.moved.add(name)
            self.last[name] = parameter.detach().clone()
            self.grads[name] = None if gradient is None else gradient.clone()


def execute(source: str, path: str, probe) -> dict:
    space = {"__name__": "__main__", "probe": probe}
    if isinstance(probe, Oracle):
        probe.space = space
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        exec(compile(source, path, "exec"), space)
    return space


@pytest.mark.parametrize("start", range(0, PROGRAMS, CHUNK))
def test_every_verdict_on_a_random_program_is_that_of_torch(start: int, tmp_path: Path) -> None:
    for seed in range(start, start + CHUNK):
        source = programs.program(seed)
        path = tmp_path / f"program{seed}.py"
        path.write_text(source)
        oracle = Oracle()
        plain = execute(source, str(path), oracle)
        space: dict = {"__name__": "__main__", "probe": lambda event, loss: None}
        recorder = Recorder(steps=100, names=space)
        recorder.open()
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")
                exec(compile(source, str(path), "exec"), space)
        finally:
            trace = recorder.trace()
        diagnosis = judge(build(trace), Contract())
        context = f"seed {seed}, {path}\n{source}"
        assert not any("failed" in gap for gap in diagnosis.gaps), (diagnosis.gaps, context)
        for (name, a), b in zip(named(plain).items(), named(space).values(), strict=True):
            assert same(a, b), f"{name} differs from the run without us: {context}"
        records = {alias: r for r in diagnosis.parameters.values() for alias in (r.name, *r.aliases)}
        for name in named(plain):
            record = records.get(name)
            held = name in records
            assert held or name == "free", f"{name} has no record: {context}"
            if not held:
                continue
            expected = max(oracle.states[name], key=("none", "zero", "finite", "nonfinite").index)
            assert record.gradient == expected, f"{name}: gradient {record.gradient}, torch says {expected}: {context}"
            assert record.updated == (name in oracle.moved), f"{name}: updated {record.updated}: {context}"
            starving = [
                f.rule
                for f in diagnosis.findings
                if f.rule in ("GF201", "GF202", "GF203", "GF204", "GF205", "GF206") and record.name in f.parameters
            ]
            assert not (starving and expected in ("finite", "nonfinite")), (
                f"{name}: {starving} though it gets gradient: {context}"
            )
            assert set(record.losses) >= oracle.fed.get(name, set()), (
                f"{name}: fed by {oracle.fed[name]}, not {record.losses}: {context}"
            )
