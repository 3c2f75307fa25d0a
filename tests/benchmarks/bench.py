"""Prints what watching costs as a table, and exits with 1 where a limit is missed.

Ratios are of CPU time, taken in turn within one process with one thread, medians of at least five. What a run leaves
behind in memory is measured in a process of its own.
"""

import functools
import importlib.util
import json
import os

os.environ["OMP_NUM_THREADS"] = "1"

import operator
import resource
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path

import peers
import torch
from torch import nn
from transformer import Block

from gradcheck_freeze import diagnose
from gradcheck_freeze.flow.build import build
from gradcheck_freeze.ranks import part
from gradcheck_freeze.ranks.gather import from_files
from gradcheck_freeze.report import picture
from gradcheck_freeze.rules.contract import Contract
from gradcheck_freeze.rules.judge import judge
from gradcheck_freeze.trace.fingerprint import fingerprint
from gradcheck_freeze.trace.placement import Placement
from gradcheck_freeze.trace.recorder import Recorder

RUNS = 7
HOLDS = {"≤": operator.le, "≥": operator.ge, ">": operator.gt}


@dataclass(frozen=True)
class Row:
    """One figure and what it is held against."""

    what: str
    value: float
    sign: str
    limit: float
    unit: str = ""

    @property
    def held(self) -> bool:
        return HOLDS[self.sign](self.value, self.limit)


def timed(call: Callable[[], object], clock: Callable[[], float] = time.process_time) -> float:
    start = clock()
    call()
    return clock() - start


def watched_steps(name: str, layers: int, width: int, heads: int, batch: int, length: int, limit: float) -> list[Row]:
    """Hold a watched step of a transformer encoder, whole (zero_grad to optimizer), against the plain one."""
    model = nn.Sequential(*(Block(width, heads) for _ in range(layers)))
    optimizer = torch.optim.Adam(model.parameters())
    x = torch.randn(batch, length, width)

    def step() -> None:
        optimizer.zero_grad()
        model(x).pow(2).mean().backward()
        optimizer.step()

    def anomalous() -> None:
        with torch.autograd.detect_anomaly(check_nan=False):
            step()

    step()
    ratios: list[tuple[float, float, float]] = []
    for _ in range(RUNS):
        before = min(timed(step) for _ in range(2))
        recorder = Recorder(Placement(steps=10**6))
        recorder.open()
        step()  # the first step meets every parameter and looks up every name
        watched = min(timed(step) for _ in range(4))
        recorder.close("measured")
        assert recorder.trace().steps, recorder.trace().gaps
        after = min(timed(step) for _ in range(4))
        plain = min(before, *(timed(step) for _ in range(2)))
        ratios.append((watched / plain, timed(anomalous) / plain, after / plain))
    watched, anomaly, after = (statistics.median(column) for column in zip(*ratios, strict=True))
    return [
        Row(f"watched step, {name}", watched, "≤", limit, "×"),
        Row("  the same step under detect_anomaly", anomaly, ">", watched, "×"),
        Row("  the same step after the window", after, "≤", 1.05, "×"),
    ]


def fingerprints() -> Iterator[Row]:
    """Hold the reading of 400 MB of parameters by value against one `torch.sum` of each."""
    parameters = [torch.randn(1024, 1024) for _ in range(100)]
    size = sum(p.numel() * p.element_size() for p in parameters)
    for p in parameters:
        p.sum()
    peak = peak_bytes()
    for p in parameters:
        fingerprint(p)
    extra = peak_bytes() - peak
    speeds = [
        timed(lambda: [p.sum() for p in parameters]) / timed(lambda: [fingerprint(p) for p in parameters])
        for _ in range(9)
    ]
    yield Row("one fingerprint of every parameter, speed against torch.sum", statistics.median(speeds), "≥", 0.7, "×")
    yield Row("  extra memory, of the parameters", 100 * extra / size, "≤", 5, "%")


def peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


class Deep:
    """A loss that many ops lie below, and a network that is cut off from it."""

    def __init__(self, ops: int) -> None:
        self.ops = ops
        self.networks = {"kept": nn.Linear(4, 4), "lost": nn.Linear(4, 4)}

    def loss(self) -> torch.Tensor:
        y = self.networks["kept"](torch.ones(1, 4))
        for _ in range(self.ops // 2):
            y = y * 1.0 + 0.0
        return y.sum() + self.networks["lost"](torch.ones(1, 4)).detach().sum()


def judged(ops: int, limit: float) -> Iterator[Row]:
    """Build and judge the flow of a recorded step of this many ops."""
    deep = Deep(ops)
    optimizer = torch.optim.SGD([p for network in deep.networks.values() for p in network.parameters()], lr=0.1)
    recorder = Recorder(names={**deep.networks, "optimizer": optimizer})
    recorder.open()
    deep.loss().backward()
    optimizer.step()
    trace = recorder.trace()
    assert len(trace.ops) >= ops
    start = time.perf_counter()
    diagnosis = judge(build(trace), Contract())
    seconds = time.perf_counter() - start
    assert [(finding.rule, finding.where) for finding in diagnosis.findings] == [("GF201", "lost")]
    yield Row(f"flow and judgement of {ops:,} ops", seconds, "≤", limit, "s")
    if limit > 10:
        yield Row("  peak memory, the program and torch included", peak_bytes() / 1e9, "≤", 1.5, "GB")


def diagnosed(ops: int) -> Iterator[Row]:
    """Diagnose a ready-made loss this many ops deep, then free its graph; a crash would end this process."""
    deep = Deep(ops)
    loss = deep.loss()
    diagnosis = diagnose(deep.networks, loss)
    right = [finding.where for finding in diagnosis.findings] == ["lost"]
    loss.backward()
    right &= all(p.grad is not None for p in deep.networks["kept"].parameters())
    right &= all(p.grad is None for p in deep.networks["lost"].parameters())
    del loss
    diagnosis = diagnose(deep.networks, deep.loss)
    right &= [(finding.rule, finding.where) for finding in diagnosis.findings] == [("GF201", "lost")]
    yield Row(f"diagnose() of a loss {ops:,} ops deep: right (1), and survives freeing it", float(right), "≥", 1)


def helped() -> Iterator[Row]:
    """Time `gradcheck-freeze --help` from start to end."""
    command = [sys.executable, "-m", "gradcheck_freeze", "--help"]
    seconds = [
        timed(lambda: subprocess.run(command, check=True, capture_output=True), time.perf_counter) for _ in range(9)
    ]
    yield Row("--help", statistics.median(seconds), "≤", 0.2, "s")


def pictured() -> Iterator[Row]:
    """Draw graphs that make layout engines hang, with the engine that comes along and with none."""
    spec = importlib.util.spec_from_file_location("examples", Path(__file__).parents[1] / "report" / "examples.py")
    assert spec is not None
    assert spec.loader is not None
    examples = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(examples)
    for engine in ("", "/nowhere"):
        os.environ["GRADCHECK_FREEZE_DOT"] = engine
        for name in ("transformer", "dense", "unlike", "recurrent"):
            drawn = replace(examples.nothing(), graph=getattr(examples, name)())
            seconds = timed(functools.partial(picture.svg, drawn), time.perf_counter)
            size = f"{len(drawn.graph):,} nodes, {drawn.graph.number_of_edges():,} edges"
            yield Row(f"picture of {name}: {size}{', no engine' * bool(engine)}", seconds, "≤", 10, "s")


def planned() -> Iterator[Row]:
    """Plan a Llama of 70 billion parameters with LoRA on the meta device."""
    script = Path(__file__).parents[1] / "plan" / "llama.py"
    seconds: list[float] = []
    peak = 0.0
    for fault in ("none", "everything"):
        start = time.perf_counter()
        done = subprocess.run([sys.executable, str(script), fault], check=True, capture_output=True, text=True)
        seconds.append(time.perf_counter() - start)
        peak = max(peak, json.loads(done.stdout)["peak"] / 1e9)
    yield Row("plan of a Llama of 70 billion parameters with LoRA, from start to end", seconds[0], "≤", 60, "s")
    yield Row("  with the base left trainable", seconds[1], "≤", 60, "s")
    yield Row("  peak memory, torch included", peak, "≤", 4, "GB")


def merged() -> Iterator[Row]:
    """Merge what a thousand ranks say of a network of 300 parameters, read from their files."""
    model = nn.Sequential(*(nn.Linear(8, 8) for _ in range(150)))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    recorder = Recorder(names={"model": model, "optimizer": optimizer})
    recorder.open()
    model(torch.ones(1, 8)).sum().backward()
    optimizer.step()
    trace = recorder.trace()
    diagnosis = judge(build(trace), Contract())
    said = part.part_of(trace, diagnosis, "run", 0, 1_000)
    words = {name: replace(word, prints=(("0", 1, f"{hash(name):x}"),)) for name, word in said.words.items()}
    with tempfile.TemporaryDirectory() as name:
        for rank in range(1_000):
            part.write(replace(said, rank=rank, words=words), diagnosis, Path(name))
        start = time.perf_counter()
        whole, lost = from_files([Path(name)])
        seconds = time.perf_counter() - start
    assert not lost
    assert whole.ranks is not None
    assert len(whole.ranks.reported) == 1_000
    yield Row("merge of the reports of 1,000 ranks", seconds, "≤", 10, "s")


def large(shape: str, door: str, end: str, limit: float) -> Iterator[Row]:
    """Take a step of a million ops through a door, and free its graph; a crash would end with another status."""
    script = Path(__file__).parents[1] / "large" / "program.py"
    ours = ["-m", "gradcheck_freeze", "run", "--frozen", "leaking"] if door == "run" else []
    start = time.perf_counter()
    done = subprocess.run(
        [sys.executable, *ours, str(script), shape, "1000000", door, end], check=False, capture_output=True
    )
    seconds = time.perf_counter() - start
    assert done.returncode == (door == "run"), done.stderr
    yield Row(f"{door} of 1,000,000 ops, {shape}: right, and its graph freed ({end})", seconds, "≤", limit, "s")


def all_large() -> Iterator[Row]:
    for shape, ends in (("deep", ("dropped", "thread", "exit")), ("tree", ("exit", "dropped", "thread"))):
        for door, end in zip(("run", "watch", "diagnose"), ends, strict=True):
            yield from large(shape, door, end, 240)


PARTS: dict[str, Callable[[], Iterator[Row] | list[Row]]] = {
    "small": lambda: watched_steps("24 layers, d 64, batch 4, sequence 16", 24, 64, 4, 4, 16, 1.35),
    "wide": lambda: watched_steps("6 layers, d 384, batch 8, sequence 128", 6, 384, 6, 8, 128, 1.10),
    "fingerprints": fingerprints,
    "judged": lambda: judged(100_000, 2.0),
    "judged-deep": lambda: judged(1_000_000, 20.0),
    "diagnosed-deep": lambda: diagnosed(1_000_000),
    "large": all_large,
    "planned": planned,
    "merged": merged,
    "help": helped,
    "pictured": pictured,
}


def measure(name: str) -> list[Row]:
    """Run a part in a process of its own; one that crashed is a row that does not hold."""
    done = subprocess.run([sys.executable, __file__, name], stdout=subprocess.PIPE, text=True, check=False)
    if done.returncode:
        return [Row(f"{name} ended with status {done.returncode}", float("nan"), "≤", 0)]
    return [Row(**row) for row in json.loads(done.stdout)]


def main() -> int:
    if len(sys.argv) > 1:
        warnings.simplefilter("ignore")  # detect_anomaly warns whenever it is entered
        torch.manual_seed(0)
        torch.set_num_threads(1)
        print(json.dumps([vars(row) for row in PARTS[sys.argv[1]]()]))
        return 0
    lines = ["| measured | value | limit | |", "|---|---:|---:|---|"]
    rows = [row for name in PARTS for row in measure(name)]
    for row in rows:
        verdict = "held" if row.held else "MISSED"
        lines.append(f"| {row.what} | {row.value:.2f} {row.unit} | {row.sign} {row.limit:.2f} | {verdict} |")
    table = "\n".join([*lines, "", *peers.page()])
    print(table)
    kept = all(row.held for row in rows)
    page = Path(__file__).resolve().parents[2] / "docs" / "performance.md"
    head = page.read_text("utf-8").partition("| measured |")[0]
    page.write_text(f"{head}{table}\n", "utf-8")
    return 0 if kept else 1


if __name__ == "__main__":
    sys.exit(main())
