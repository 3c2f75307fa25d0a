"""Where one line calls backward for several models, the picture shows the one of which a finding speaks, with its edges."""

import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import networkx as nx
import pytest

from gradcheck_freeze.report import reading

PROGRAM = """
import torch
from torch import nn

class Net(nn.Module):
    def __init__(self, detached):
        super().__init__()
        self.encoder = nn.Linear(4, 8)
        self.head = nn.Linear(8, 1)
        self.detached = detached

    def forward(self, x):
        z = self.encoder(x).relu()
        return self.head(z.detach() if self.detached else z)

def train(model):
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    for _ in range(3):
        loss = model(torch.randn(8, 4)).pow(2).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

torch.manual_seed(0)
"""
IN_A_ROW = "for net in (first := Net(True), second := Net(False), third := Net(True)):\n    train(net)\n"
BUILT_IN_A_FUNCTION = "def build_and_train(detached):\n    model = Net(detached)\n    train(model)\n\n"
THE_FIRST_IS_CUT = f"{BUILT_IN_A_FUNCTION}for detached in (True, False, False):\n    build_and_train(detached)\n"
A_LIST = "nets = [Net(True) for _ in range(6)]\nfor index in range(6):\n    train(nets[index])\n"
GAN = """
G, D = nn.Linear(2, 2), nn.Linear(2, 1)
g_opt, d_opt = torch.optim.SGD(G.parameters(), 0.1), torch.optim.SGD(D.parameters(), 0.1)

def descend(loss, optimizer):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()

for _ in range(3):
    fake = G(torch.randn(8, 2))
    descend(D(fake.detach()).mean(), d_opt)
    descend(-D(fake).mean(), g_opt)
"""


@pytest.fixture
def drawn(tmp_path: Path) -> Callable[[str], nx.DiGraph]:
    def run(rest: str) -> nx.DiGraph:
        (tmp_path / "program.py").write_text(PROGRAM + rest)
        command = [sys.executable, "-m", "gradcheck_freeze", "run", "-o", "out.json", "program.py"]
        done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, timeout=120, check=False)
        assert done.returncode in (0, 1), done.stderr
        return reading.load(str(tmp_path / "out.json")).graph

    return run


def edges(graph: nx.DiGraph) -> set[tuple[str, str, bool]]:
    """Return the edges between modules by label, with whether the gradient is cut there."""
    label = graph.nodes(data="label")
    return {
        (label[a], label[b], edge["cut"])
        for a, b, edge in graph.edges(data=True)
        if {graph.nodes[a]["kind"], graph.nodes[b]["kind"]} <= {"module", "loss"}
    }


def test_every_model_with_a_fault_is_drawn_with_its_edges_and_the_others_are_not(drawn) -> None:
    graph = drawn(IN_A_ROW)
    assert edges(graph) == {
        ("first.encoder", "first.head", True),
        ("first.head", "loss", False),
        ("third.encoder", "third.head", True),
        ("third.head", "loss (call 2)", False),
    }
    assert not [node for node in graph if node.startswith("unread:")]


def test_of_models_of_one_name_the_one_at_fault_is_drawn(drawn) -> None:
    graph = drawn(THE_FIRST_IS_CUT)
    assert edges(graph) == {("model.encoder", "model.head", True), ("model.head", "loss", False)}


def test_models_in_a_list_are_drawn_as_one_each_with_its_loss(drawn) -> None:
    graph = drawn(A_LIST)
    assert edges(graph) == {
        ("model.encoder", "model.head", True),
        ("model.head", "loss", False),
        ("nets.1.encoder", "nets.1.head", True),
        ("nets.1.head", "loss (call 2)", False),
    }
    counts = {attributes["label"]: attributes["count"] for _, attributes in graph.nodes(data=True)}
    assert (counts["nets.1"], counts["loss (call 2)"]) == (5, 5)


def test_both_players_of_a_gan_are_drawn_where_one_helper_calls_backward(drawn) -> None:
    graph = drawn(GAN)
    label = {attributes["label"]: node for node, attributes in graph.nodes(data=True)}
    assert {("D", "loss", False), ("D (call 2)", "loss (call 2)", False)} <= edges(graph)
    assert not graph.edges[label["G"], label["D"]]["gradient"]
    assert graph.edges[label["G"], label["D (call 2)"]]["gradient"]
