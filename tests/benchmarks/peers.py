"""Asks other tools the question that this one answers, on the same model, and prints what each needs and what it says.

The question: which parameters get no gradient, and which are updated although they must not be? Each tool is asked in a
process of its own: for its time and memory on the step that bench.py watches, and, for what it can answer, on small models
with one planted fault each. One that is not installed is a row that says so: `pip install '.[peers]'` installs them all.
"""

from __future__ import annotations

import contextlib
import fnmatch
import functools
import importlib.metadata
import json
import os
import resource
import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

os.environ.setdefault("OMP_NUM_THREADS", "1")

import torch
from torch import nn
from transformer import Block

if TYPE_CHECKING:
    from gradcheck_freeze import Diagnosis

ASKED = 3  # times, of which the median counts
CUT = "encoded.detach()"  # as it stands in the line that cuts the encoder off


@dataclass(frozen=True)
class Question:
    """A model in training, and what its author wants to stay as it is."""

    model: nn.Module
    batch: torch.Tensor
    optimizer: torch.optim.Optimizer
    frozen: tuple[str, ...] = ()

    def loss(self) -> torch.Tensor:
        return scored(self.model(self.batch))

    def names(self, fixed: bool) -> list[str]:
        """Return the names of the parameters that must stay, or of those that must learn."""
        return [
            name
            for name, _ in self.model.named_parameters()
            if any(fnmatch.fnmatch(name, pattern) for pattern in self.frozen) == fixed
        ]


def scored(output: torch.Tensor, target: object = None) -> torch.Tensor:
    return output.pow(2).mean()


class Planted(nn.Module):
    """An encoder with statistics of its own, and a head; `fault` says what is wrong with it."""

    def __init__(self, fault: str) -> None:
        super().__init__()
        self.cut = fault == "cut"
        self.encoder = nn.Sequential(nn.Linear(8, 8), *([nn.BatchNorm1d(8)] if fault == "buffers" else []))
        self.head = nn.Linear(8, 4)
        if fault == "leak":
            self.encoder.requires_grad = False  # freezes nothing
        elif fault in ("buffers", "frozen"):
            self.encoder.requires_grad_(False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        encoded = self.encoder(x)
        if self.cut:
            encoded = encoded.detach()
        return self.head(encoded)


def planted(fault: str) -> Question:
    """Return a small question with a fault: a cut, a leak into what must stay, drifting buffers, or with none."""
    torch.manual_seed(0)
    model = Planted(fault)
    learning = model.parameters() if fault == "leak" else [p for p in model.parameters() if p.requires_grad]
    frozen = ("encoder.*",) if fault in ("leak", "buffers", "frozen") else ()
    return Question(model, torch.randn(16, 8), torch.optim.SGD(learning, lr=0.1), frozen)


def transformer() -> Question:
    """Return the step that bench.py watches: 6 layers, d 384, batch 8, sequence 128."""
    torch.manual_seed(0)
    model = nn.Sequential(*(Block(384, 6) for _ in range(6)))
    return Question(model, torch.randn(8, 128, 384), torch.optim.Adam(model.parameters()))


# Each takes a question and returns all that its tool says of faults, as text.


def ask_us(asked: Question) -> str:
    from gradcheck_freeze import diagnose

    return told(diagnose(asked.model, asked.loss, asked.optimizer, asked.frozen))


def ask_us_of_a_loop(asked: Question) -> str:
    from gradcheck_freeze import watch

    with watch(asked.model, asked.optimizer, frozen=asked.frozen) as flow:
        for _ in range(2):
            asked.optimizer.zero_grad()
            asked.loss().backward()
            asked.optimizer.step()
    return told(flow.diagnosis)


def told(diagnosis: Diagnosis) -> str:
    found = diagnosis.findings
    return "\n".join(f"{f.name} {f.where} {f.parameters} {f.cause.text if f.cause else ''}" for f in found)


def ask_torchviz(asked: Question) -> str:
    from torchviz import make_dot

    parameters = dict(asked.model.named_parameters())
    drawn = make_dot(asked.loss(), params=parameters).source
    return "\n".join(f"{name} is not drawn" for name, p in parameters.items() if p.requires_grad and name not in drawn)


def ask_torchview(asked: Question) -> str:
    from torchview import draw_graph

    draw_graph(asked.model, input_data=asked.batch, device="cpu", depth=3)  # the forward pass, whatever gradient does
    return ""


def ask_anomaly(asked: Question) -> str:
    try:
        with torch.autograd.detect_anomaly():
            asked.optimizer.zero_grad()
            asked.loss().backward()
            asked.optimizer.step()
    except RuntimeError as error:
        return str(error)
    return ""


def ask_torchlens_trace(asked: Question) -> str:
    import torchlens

    trace = torchlens.trace(asked.model, asked.batch, capture=torchlens.options.CaptureOptions(save_grads=True))
    trace.log_backward(scored(trace[trace.output_layers[0]].out))
    audit = torchlens.debug.gradient_flow_audit(trace)
    return str(audit[audit["is_frontier"]].to_csv())


def ask_torchlens_checks(asked: Question) -> str:
    from torchlens.checks import ChecksSession

    session = ChecksSession(asked.model, asked.optimizer)
    if asked.frozen:
        session.register_frozen_check(asked.names(fixed=True), action="warn")
    session.register_change_check(window=(2, 2), action="warn")
    session.attach()
    try:
        for _ in range(2):
            asked.optimizer.zero_grad()
            asked.loss().backward()
            asked.optimizer.step()
            session.step()
        return "\n".join(str(finding) for finding in session.report().findings)
    finally:
        session.detach()


def ask_torchtest(asked: Question) -> str:
    from torchtest import assert_vars_change, assert_vars_same

    parameters = dict(asked.model.named_parameters())
    said = []
    for check, fixed in ((assert_vars_change, False), (assert_vars_same, True)):
        named = [(name, parameters[name]) for name in asked.names(fixed)]
        if not named:
            continue
        try:
            check(asked.model, scored, asked.optimizer, [asked.batch, asked.batch], "cpu", named)
        except Exception as error:
            said.append(str(error))
    return "\n".join(said)


def ask_torchtest2(asked: Question) -> str:
    import torchtest2

    wanted = {"forward", "optimizer_coverage", "gradient_flow", "params_change", "frozen_params"}
    report = torchtest2.check_model(
        asked.model,
        asked.batch,
        loss_fn=scored,
        optimizer=asked.optimizer,
        frozen=[pattern.removesuffix(".*") for pattern in asked.frozen],
        skip=[name for name in known_checks() if name not in wanted],
    )
    return "\n".join(str(result) for result in (*report.failures, *report.warnings))


@functools.cache
def known_checks() -> list[str]:
    import torchtest2

    report = torchtest2.check_model(nn.Linear(1, 1), torch.ones(2, 1), loss_fn=scored, overfit_steps=1)
    return [result.name for result in report.results]


def ask_pytest_torch(asked: Question) -> str:
    from pytest_torch.training import assert_all_params_receive_grad, assert_frozen

    said = []
    checks: list[Callable[[], None]] = [
        lambda: assert_all_params_receive_grad(asked.model, asked.batch, scored),
        lambda: assert_frozen(
            asked.model,
            asked.batch,
            scored,
            list(asked.frozen) or ["nothing.*"],
            optimizer=torch.optim.Adam,
        ),
    ]
    for check in checks if asked.frozen else checks[:1]:
        try:
            check()
        except AssertionError as error:
            said.append(str(error))
    return "\n".join(said)


# What it is called in the table → what installs it ("" for torch itself), and how it is asked.
TOOLS: dict[str, tuple[str, Callable[[Question], str]]] = {
    "gradcheck-freeze, `diagnose`": ("gradcheck-freeze", ask_us),
    "gradcheck-freeze, `watch` of 2 steps": ("gradcheck-freeze", ask_us_of_a_loop),
    "torch, `detect_anomaly`": ("", ask_anomaly),
    "torchviz, `make_dot`": ("torchviz", ask_torchviz),
    "torchview, `draw_graph`": ("torchview", ask_torchview),
    "torchlens, trace and gradient audit": ("torchlens", ask_torchlens_trace),
    "torchlens, checks of 2 steps": ("torchlens", ask_torchlens_checks),
    "torchtest": ("torchtest", ask_torchtest),
    "torchtest2": ("torchtest2", ask_torchtest2),
    "pytest-torch": ("pytest-torch", ask_pytest_torch),
}


def peak() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def measured(name: str) -> dict[str, object]:
    """Return what a tool needs for the question on the transformer, and what it says of the planted faults."""
    ask = TOOLS[name][1]
    asked = transformer()

    def step() -> None:
        asked.optimizer.zero_grad()
        asked.loss().backward()
        asked.optimizer.step()

    step()
    plain = statistics.median(timed(step) for _ in range(ASKED))
    before = peak()
    seconds = [timed(lambda: ask(asked)) for _ in range(ASKED)]
    return {
        "seconds": statistics.median(seconds),
        "steps": statistics.median(seconds) / plain,
        "megabytes": (peak() - before) / 1e6,
        "answers": {what: answers(ask, what) for what in ("cut", "line", "leak", "buffers")},
    }


def answers(ask: Callable[[Question], str], what: str) -> bool:
    """Return whether a tool names what is at fault, and does not where nothing is."""
    fault = "cut" if what == "line" else what
    sound = {"cut": "sound", "leak": "frozen", "buffers": "frozen"}[fault]
    if "encoder" in ask(planted(sound)):
        return False
    said = ask(planted(fault))
    return CUT in said if what == "line" else "encoder" in said


def timed(call: Callable[[], object]) -> float:
    start = time.process_time()
    call()
    return time.process_time() - start


def row(name: str) -> str:
    """Return the line of one tool, asked in a process of its own; whatever goes wrong there is what its line says."""
    package = TOOLS[name][0]
    try:
        version = importlib.metadata.version(package) if package else torch.__version__.partition("+")[0]
    except importlib.metadata.PackageNotFoundError:
        return f"| {name} | | not installed | | | | | |"
    try:
        done = subprocess.run(
            [sys.executable, __file__, name], capture_output=True, text=True, check=False, timeout=600
        )
    except subprocess.TimeoutExpired:
        return f"| {name} | {version} | more than 600 s | | | | | |"
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1].replace("|", "/")
        return f"| {name} | {version} | failed: {last[:100]} | | | | | |"
    found = json.loads(done.stdout.splitlines()[-1])
    marks = " | ".join("yes" if told else "–" for told in found["answers"].values())
    cost = f"{found['seconds']:.2f} s ({found['steps']:.1f} steps) | {found['megabytes']:,.0f} MB"
    return f"| {name} | {version} | {cost} | {marks} |"


def page() -> Iterator[str]:
    """Yield the lines of the table."""
    yield from (
        "## Beside other tools",
        "",
        "The same question on the same model (6 layers, d 384, batch 8, sequence 128, Adam): which parameters get no gradient,",
        "and which are updated although they must not be? CPU time with one thread, the median of three; memory is the peak",
        "above that of the plain step in the same process. The columns on the right say what a tool names when one fault is",
        "planted in a small model whose encoder is declared frozen to it, and not without: an encoder that is cut off, the",
        "line that cuts it off, an encoder that is updated, BatchNorm statistics that drift in a frozen encoder.",
        "`pip install '.[peers]'` installs what is compared.",
        "",
        "| tool | version | time | memory | cut off | its line | updated | buffers |",
        "|---|---|---:|---:|---|---|---|---|",
    )
    for name in TOOLS:
        yield row(name)


def main() -> None:
    warnings.simplefilter("ignore")  # detect_anomaly warns whenever it is entered
    torch.set_num_threads(1)
    if len(sys.argv) > 1:
        with contextlib.redirect_stdout(sys.stderr):
            found = measured(sys.argv[1])
        print(json.dumps(found))
    else:
        for line in page():
            print(line, flush=True)


if __name__ == "__main__":
    main()
