"""`diagnose` and `watch` judge without changing anything."""

import contextlib
import subprocess
import sys
from collections.abc import Callable

import pytest
import torch
from torch import nn

from gradcheck_freeze import Diagnosis, diagnose, watch
from gradcheck_freeze.api import FlowError
from gradcheck_freeze.errors import ContractError, UsageError
from gradcheck_freeze.trace.optimizers import Optimizers
from gradcheck_freeze.trace.steps import StepWatch


def networks() -> tuple[nn.Module, nn.Module]:
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(6, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 6), nn.Tanh())


def story(encoder: nn.Module, generator: nn.Module, change: str) -> Callable[[], torch.Tensor]:
    def loss() -> torch.Tensor:
        X = encoder(torch.ones(3, 6)).detach()
        Y = generator(X)
        if change == "no_grad":
            with torch.no_grad():
                Z = encoder(Y)
        else:
            Z = encoder(Y)
        if change == "detach":
            Z = Z.detach()
        return (Z - X).square().mean() + encoder(torch.zeros(2, 6)).mean()

    return loss


@pytest.mark.parametrize(("change", "rule"), [("detach", "GF201"), ("no_grad", "GF202")])
def test_a_function_gives_the_line_of_the_cut(change: str, rule: str) -> None:
    encoder, generator = networks()
    diagnosis = diagnose({"encoder": encoder, "generator": generator}, story(encoder, generator, change))
    assert [(f.rule, f.where) for f in diagnosis.findings] == [(rule, "generator")]
    assert change.replace("detach", ".detach()") in diagnosis.findings[0].cause.text


def test_the_leak_and_the_right_program_are_told_apart_by_contract() -> None:
    encoder, generator = networks()
    models = {"encoder": encoder, "generator": generator}
    optimizer = torch.optim.Adam([*encoder.parameters(), *generator.parameters()])
    leak = diagnose(models, story(encoder, generator, ""), optimizer, frozen=["encoder"])
    assert [(f.rule, f.where, f.severity.word) for f in leak.findings] == [("GF101", "encoder", "error")]
    with pytest.raises(FlowError, match="encoder"):
        leak.raise_for_findings()
    encoder.requires_grad_(False)
    right = diagnose(
        models, story(encoder, generator, ""), torch.optim.Adam(generator.parameters()), frozen=["encoder"]
    )
    assert right.findings == ()
    assert right.parameters["encoder.0.weight"].state == "frozen"


def test_everything_is_as_it_was_after_a_trial_step() -> None:
    encoder, generator = networks()
    encoder.add_module("norm", nn.BatchNorm1d(4))
    optimizer = torch.optim.Adam([*encoder.parameters(), *generator.parameters()])
    loss = story(encoder, generator, "")()
    loss.backward(retain_graph=True)
    tensors = [*encoder.state_dict().values(), *generator.state_dict().values()]
    before = [tensor.clone() for tensor in tensors]
    gradients = [parameter.grad for parameter in encoder.parameters()]
    random = torch.get_rng_state()
    diagnose(
        {"encoder": encoder, "generator": generator}, lambda: generator(encoder(torch.randn(3, 6))).mean(), optimizer
    )
    diagnose({"encoder": encoder, "generator": generator}, loss, optimizer)
    assert all(torch.equal(a, b) for a, b in zip(before, tensors, strict=True))
    assert all(p.grad is g for p, g in zip(encoder.parameters(), gradients, strict=True))
    assert torch.equal(torch.get_rng_state(), random)
    assert not optimizer.state
    loss.backward()  # the graph is still whole


@pytest.mark.parametrize(
    ("make", "text"),
    [
        (lambda net: torch.zeros(()), "does not require grad"),
        (lambda net: net(torch.ones(2, 3)), "must be a single number"),
        (lambda net: 3.0, "not a tensor"),
    ],
)
def test_a_loss_that_cannot_be_followed_is_refused_with_a_reason(
    make: Callable[[nn.Module], object], text: str
) -> None:
    net = nn.Linear(3, 3)
    with pytest.raises(UsageError, match=text):
        diagnose(net, make(net))


def test_a_freed_graph_and_a_model_without_parameters_are_refused() -> None:
    net = nn.Sequential(nn.Linear(3, 1), nn.Tanh())
    loss = net(torch.ones(1, 3)).sum()
    loss.backward()
    with pytest.raises(UsageError, match="has been freed"):
        diagnose(net, loss)
    with pytest.raises(UsageError, match="no parameters"):
        diagnose(nn.ReLU(), loss)
    with pytest.raises(ContractError, match="Nearest names: model"):
        diagnose(net, lambda: net(torch.ones(1, 3)).sum(), frozen=["modell"])


def test_watch_diagnoses_a_loop_and_leaves_nothing_installed() -> None:
    encoder, generator = networks()
    encoder.requires_grad_(False)
    optimizer = torch.optim.SGD(generator.parameters(), lr=0.1)
    hooks = dict(torch.nn.modules.module._global_forward_pre_hooks)
    originals = (torch.autograd.Function.apply.__func__, torch.nn.Parameter.__new__, torch.compile)
    with watch({"encoder": encoder, "generator": generator}, optimizer) as flow:
        for _ in range(3):
            loss = encoder(generator(torch.ones(2, 4))).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    assert flow.diagnosis.findings == ()
    assert flow.diagnosis.parameters["generator.0.weight"].updated
    assert dict(torch.nn.modules.module._global_forward_pre_hooks) == hooks
    assert (torch.autograd.Function.apply.__func__, torch.nn.Parameter.__new__, torch.compile) == originals
    assert torch.overrides._len_torch_function_stack() == 0


def test_a_graph_a_million_ops_deep_is_judged_and_freed() -> None:
    code = (
        "import torch\nfrom gradcheck_freeze import diagnose\nnet = torch.nn.Linear(2, 2)\ny = net(torch.ones(1, 2))\n"
        "for _ in range(500_000):\n    y = y * 1.0 + 0.0\nd = diagnose(net, y.sum())\n"
        "assert d.ok and d.parameters['model.weight'].gradient == 'finite'\ndel y\nprint('freed')\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout) == (0, "freed\n"), done.stderr


class OwnStep(torch.optim.SGD):
    """An optimizer whose step calls that of its base class, and raises when it is told to."""

    fails = False

    def step(self, closure=None):
        if self.fails:
            raise RuntimeError("not now")
        return super().step(closure)


class Around(torch.optim.Optimizer):
    """An optimizer whose step is that of another."""

    def __init__(self, inner):
        self.inner = inner
        super().__init__(inner.param_groups, {})

    def step(self, closure=None):
        return self.inner.step(closure)


@pytest.mark.parametrize("around", [False, True])
def test_a_step_within_a_step_is_counted_once_and_leaves_the_modes_as_they_were(around):
    net = nn.Linear(3, 1)
    torch.optim.SGD(net.parameters(), lr=0.1)  # torch hooks the step of a class at its first instance
    optimizer = OwnStep(net.parameters(), lr=0.1)
    outer = Around(optimizer) if around else optimizer
    with watch(net, steps=10) as flow:
        for _ in range(3):
            outer.zero_grad()
            net(torch.randn(4, 3)).pow(2).mean().backward()
            outer.step()
            assert torch.overrides._len_torch_function_stack() == 1
    assert flow.diagnosis.window.steps == 3
    assert flow.diagnosis.window.backward_calls == 3


def test_what_follows_a_step_that_raised_is_seen():
    net = nn.Linear(3, 1)
    optimizer = OwnStep(net.parameters(), lr=0.1)
    with watch(net, steps=10) as flow:
        for number in range(4):
            optimizer.zero_grad()
            net(torch.randn(4, 3)).pow(2).mean().backward()
            optimizer.fails = number == 1
            with contextlib.suppress(RuntimeError):
                optimizer.step()
    assert flow.diagnosis.window.backward_calls == 4
    assert flow.diagnosis.window.steps == 3


def test_how_far_a_step_moves_a_parameter_is_told_as_a_part_of_its_norm():
    net = nn.Linear(3, 1, bias=False)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch({"net": net}, steps=10) as flow:
        for _ in range(5):  # what is told is of the first step
            optimizer.zero_grad()
            net(torch.ones(2, 3)).sum().backward()
            optimizer.step()
    start = net.weight.detach() + 5 * 0.1 * 2  # the gradient is 2 everywhere
    expected = (0.2 * 3**0.5) / start.norm().item()
    assert flow.diagnosis.parameters["net.weight"].update_ratio == pytest.approx(expected, rel=1e-4)


@pytest.mark.parametrize(("owner", "method"), [(Optimizers, "look"), (StepWatch, "compare")])
def test_what_follows_a_look_of_our_own_that_failed_is_seen(owner, method, monkeypatch):
    original, calls = getattr(owner, method), []

    def failing(self, *arguments):
        calls.append(method)
        if len(calls) == 3:
            raise ZeroDivisionError
        return original(self, *arguments)

    monkeypatch.setattr(owner, method, failing)
    net = nn.Linear(3, 1)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    with watch({"net": net}, optimizer, steps=10) as flow:
        for _ in range(5):
            optimizer.zero_grad()
            net(torch.randn(4, 3)).pow(2).mean().backward()
            optimizer.step()
    assert len(calls) > 3
    assert flow.diagnosis.window.backward_calls == 5
    assert any("ZeroDivisionError" in gap for gap in flow.diagnosis.gaps)


def test_diagnose_tells_that_the_forward_rewrites_the_statistics_of_a_frozen_module_and_gives_them_back() -> None:
    encoder = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8)).requires_grad_(False)
    head, x = nn.Linear(8, 1), torch.randn(16, 4)
    before = encoder[1].running_mean.clone()
    optimizer = torch.optim.SGD(head.parameters(), lr=0.1)

    def diagnosis() -> Diagnosis:
        networks = {"encoder": encoder, "head": head}
        return diagnose(networks, lambda: head(encoder(x)).pow(2).mean(), optimizer, frozen=["encoder"])

    assert [finding.rule for finding in diagnosis().findings] == ["GF103"]
    assert torch.equal(encoder[1].running_mean, before)
    encoder.eval()
    assert diagnosis().findings == ()
