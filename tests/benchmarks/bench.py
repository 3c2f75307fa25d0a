"""Prints what watching costs, as ratios within one process, and exits with 1 where a limit is missed."""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")

import statistics
import subprocess
import sys
import time
import warnings
from collections.abc import Callable

import torch
from torch import nn

from gradcheck_freeze.flow.build import build
from gradcheck_freeze.rules.contract import Contract
from gradcheck_freeze.rules.judge import judge
from gradcheck_freeze.trace.fingerprint import fingerprint
from gradcheck_freeze.trace.recorder import Recorder

RUNS = 7


class Block(nn.Module):
    """A pre-norm transformer block written with many small ops."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width), nn.LayerNorm(width)
        self.qkv, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.up, self.down = nn.Linear(width, 4 * width), nn.Linear(4 * width, width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        batch, length, width = x.shape
        q, k, v = self.qkv(self.norm1(x)).view(batch, length, 3, self.heads, -1).permute(2, 0, 3, 1, 4).unbind(0)
        weights = torch.softmax(q @ k.transpose(-1, -2) / (width // self.heads) ** 0.5, -1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(batch, length, width))
        return x + self.down(nn.functional.gelu(self.up(self.norm2(x))))


def timed(call: Callable[[], object]) -> float:
    start = time.perf_counter()
    call()
    return time.perf_counter() - start


def step_ratios(layers: int, width: int, heads: int, batch: int, length: int) -> tuple[float, float, float]:
    """Return watched, anomaly-mode and after-the-window steps as ratios to the plain step."""
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
    rows: list[tuple[float, float, float]] = []
    for _ in range(RUNS):
        before = timed(step)
        recorder = Recorder(steps=10**6)
        recorder.open()
        step()
        watched = min(timed(step), timed(step))
        recorder.close("measured")
        after = min(timed(step), timed(step))
        plain = min(before, timed(step))
        rows.append((watched / plain, timed(anomalous) / plain, after / plain))
    watched, anomaly, after = (statistics.median(column) for column in zip(*rows, strict=True))
    return watched, anomaly, after


def judged(ops: int) -> float:
    """Return the seconds it takes to build and judge the flow of a loop of this many ops with one cut."""
    kept, lost = nn.Linear(4, 4), nn.Linear(4, 4)
    optimizer = torch.optim.SGD([*kept.parameters(), *lost.parameters()], lr=0.1)
    recorder = Recorder(names={"kept": kept, "lost": lost, "optimizer": optimizer})
    recorder.open()
    y = kept(torch.ones(1, 4))
    for _ in range(ops // 2):
        y = y * 1.0 + 0.0
    (y.sum() + lost(torch.ones(1, 4)).detach().sum()).backward()
    optimizer.step()
    trace = recorder.trace()
    start = time.perf_counter()
    diagnosis = judge(build(trace), Contract())
    seconds = time.perf_counter() - start
    assert [finding.rule for finding in diagnosis.findings] == ["GF201"]
    return seconds


def in_a_process(code: str) -> str:
    return subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True).stdout.strip()


def main() -> int:
    warnings.simplefilter("ignore")
    torch.set_num_threads(1)
    rows: list[tuple[str, float, str, float]] = []
    for name, sizes, limit in (
        ("24 layers, d 64", (24, 64, 4, 4, 16), 1.35),
        ("6 layers, d 384", (6, 384, 6, 8, 128), 1.10),
    ):
        watched, anomaly, after = step_ratios(*sizes)
        rows += [(f"watched step, {name}", watched, "≤", limit), (f"  detect_anomaly, {name}", anomaly, ">", watched)]
        rows.append((f"  after the window, {name}", after, "≤", 1.05))
    parameters = [torch.randn(1024, 1024) for _ in range(24)]
    speeds = [
        timed(lambda: [p.sum() for p in parameters]) / timed(lambda: [fingerprint(p) for p in parameters])
        for _ in range(9)
    ]
    rows.append(("fingerprint, speed against torch.sum", statistics.median(speeds), "≥", 0.7))
    rows.append(("flow and judgement, 100,000 ops, s", judged(100_000), "≤", 2.0))
    million = in_a_process(
        "import sys, resource; sys.path.insert(0, 'tests/benchmarks'); import bench;"
        "print(bench.judged(1_000_000), resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6)"
    ).split()
    rows.append(("flow and judgement, 1,000,000 ops, s", float(million[0]), "≤", 20.0))
    rows.append(("  peak memory of the whole process, GB", float(million[1]), "≤", 1.5))
    help_seconds = statistics.median(
        timed(
            lambda: subprocess.run(
                [sys.executable, "-m", "gradcheck_freeze", "--help"], check=True, capture_output=True
            )
        )
        for _ in range(5)
    )
    rows.append(("--help, s", help_seconds, "≤", 0.2))
    holds = {"≤": lambda a, b: a <= b, "≥": lambda a, b: a >= b, ">": lambda a, b: a > b}
    missed = 0
    print("| measured | value | limit | |\n|---|---:|---:|---|")
    for name, value, sign, limit in rows:
        kept = holds[sign](value, limit)
        missed += not kept
        print(f"| {name} | {value:.2f} | {sign} {limit:.2f} | {'held' if kept else 'MISSED'} |")
    return 1 if missed else 0


if __name__ == "__main__":
    sys.exit(main())
