"""A loop, a model and an optimizer that stand in an installed library: what is told of them is told in the author's words."""

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

LIBRARY = """
import torch

class Block(torch.nn.Module):
    def __init__(self, cut):
        super().__init__()
        self.lower, self.upper, self.cut = torch.nn.Linear(4, 4), torch.nn.Linear(4, 1), cut
    def forward(self, x):
        hidden = self.lower(x)
        if self.cut == "detach":
            hidden = hidden.detach()
        if self.cut == "no_grad":
            with torch.no_grad():
                hidden = self.lower(x)
        return self.upper(hidden)

class Wrapped(torch.optim.Optimizer):
    def __init__(self, optimizer):
        self.optimizer = optimizer
    @property
    def param_groups(self):
        return self.optimizer.param_groups
    @property
    def state(self):
        return self.optimizer.state
    def step(self, closure=None):
        self.optimizer.step(closure)
    def zero_grad(self, set_to_none=True):
        self.optimizer.zero_grad(set_to_none)

def fit(model, step, optimizer):
    optimizer = Wrapped(optimizer)
    scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 1)
    for _ in range(3):
        (step(torch.randn(8, 4)) / 2).backward()
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
"""
PROGRAM = """
import sys
sys.path.insert(0, "site-packages")
import torch
import looplib

model = looplib.Block({cut!r})

def step(x):
    {step}

looplib.fit(model, step, torch.optim.SGD(model.parameters(), lr=0.1))
"""


def told(folder: Path, cut: str = "", step: str = "loss = model(x).pow(2).mean()\n    return loss") -> dict[str, Any]:
    (folder / "site-packages").mkdir()
    (folder / "site-packages" / "looplib.py").write_text(LIBRARY)
    (folder / "program.py").write_text(PROGRAM.format(cut=cut, step=step))
    subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", "-o", "report.json", "program.py"],
        cwd=folder,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
        check=True,
        capture_output=True,
    )
    return dict(json.loads((folder / "report.json").read_text()))


@pytest.mark.parametrize(
    ("step", "name", "line"),
    [
        ("recon = model(x).pow(2).mean()\n    return recon", "recon", 10),
        ("return model(x).pow(2).mean()", "loss", 10),
        (
            "out = {}\n    out['a'] = model(x).abs()\n    total = out['a'].mean()\n    total += 1\n    return total",
            "total",
            13,
        ),
    ],
)
def test_a_loss_that_a_library_differentiates_is_called_what_its_line_assigns_to(
    tmp_path: Path, step: str, name: str, line: int
) -> None:
    report = told(tmp_path, step=step)
    assert [(loss["name"], loss["location"]["line"]) for loss in report["losses"]] == [(name, line)]


def test_an_optimizer_and_its_wrapper_are_one(tmp_path: Path) -> None:
    report = told(tmp_path)
    assert [(optimizer["type"], optimizer["steps"]) for optimizer in report["optimizers"]] == [("SGD", 3)]
    assert report["findings"] == []


@pytest.mark.parametrize("cut", ["detach", "no_grad"])
def test_a_cut_inside_the_forward_of_a_library_is_told_with_the_module_it_lies_in(tmp_path: Path, cut: str) -> None:
    (finding,) = told(tmp_path, cut)["findings"]
    assert finding["parameters"] == ["model.lower.bias", "model.lower.weight"]
    assert finding["message"].endswith(", in model." if cut == "detach" else ", in model.lower.")
    assert finding["cause"]["line"] == 10
