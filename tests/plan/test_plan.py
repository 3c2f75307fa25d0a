"""A plan on weights without memory says what the same training would do with them, and what it would cost."""

from __future__ import annotations

import contextlib
import importlib.util
import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import torch
from torch import nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils.flop_counter import FlopCounterMode

from gradcheck_freeze import diagnose, watch
from gradcheck_freeze.api import Diagnosis
from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report.reading import parse

_SCRIPT = Path(__file__).with_name("llama.py")
_specification = importlib.util.spec_from_file_location("llama", _SCRIPT)
assert _specification is not None
assert _specification.loader is not None
llama = importlib.util.module_from_spec(_specification)
_specification.loader.exec_module(llama)


@pytest.fixture(scope="module")
def seventy() -> dict[str, Any]:
    done = subprocess.run([sys.executable, str(_SCRIPT)], capture_output=True, text=True, check=True)
    return json.loads(done.stdout)


def test_seventy_billion_parameters_are_planned_in_little_memory(seventy: dict[str, Any]) -> None:
    assert seventy["peak"] < 1.5e9
    assert all(found["lines"] < 60 for found in seventy["found"].values())  # a screen
    assert all(found["page"] < 1e6 for found in seventy["found"].values())


def test_the_right_plan_is_clean_and_has_its_price(seventy: dict[str, Any]) -> None:
    right = seventy["found"]["none"]
    assert (right["findings"], right["fed"], right["updated"]) == ([], 320, 320)
    plan = right["plan"]
    adapters = 80 * 16 * (8192 + 8192 + 8192 + 1024)
    assert plan["gradients"] == [{"dtype": "bfloat16", "tensors": 320, "bytes": 2 * adapters}]
    assert plan["states"] == [{"dtype": "bfloat16", "tensors": 0, "bytes": 4 * adapters}]
    assert (plan["unused_gradients"], plan["unused_work"]) == ([], 0)


def test_a_base_left_trainable_is_named_with_what_it_wastes(seventy: dict[str, Any]) -> None:
    everything = seventy["found"]["everything"]
    ((rule, severity, where, count, message),) = everything["findings"]
    assert (rule, severity, count) == ("GF301", "warning", 723)
    assert len(where) < 100
    assert "141 GB in 723 tensors" in message
    assert (everything["fed"], everything["updated"]) == (1043, 320)
    base = 70_553_706_496  # elements of a Llama of this shape
    assert everything["plan"]["unused_gradients"] == [{"dtype": "bfloat16", "tensors": 723, "bytes": 2 * base}]
    # A gradient of a weight takes as many operations as the forward; none for the table and the norms. Below the first layer
    # it goes on to the embeddings: through q, k, v and the adapters, and in its attention to the keys, for them alone.
    products = base - 128256 * 8192 - 161 * 8192
    below = 8192 * (8192 + 2 * 1024) + 2 * 16 * 8192 + 2048 * 8192
    assert everything["plan"]["unused_work"] == 2 * 2048 * (products + below)


def test_trainable_embeddings_are_named_with_their_gradient(seventy: dict[str, Any]) -> None:
    ((rule, _, where, count, message),) = seventy["found"]["embeddings"]["findings"]
    assert (rule, where, count) == ("GF207", "model.embed_tokens", 1)
    assert "2.1 GB in every step" in message


def test_a_head_that_must_stay_and_sits_in_the_optimizer_is_a_leak(seventy: dict[str, Any]) -> None:
    head = seventy["found"]["head"]
    ((rule, severity, where, count, _),) = head["findings"]
    assert (rule, severity, where, count) == ("GF101", "error", "model.lm_head", 1)
    assert head["updated"] == 321


def test_a_detach_in_the_middle_is_named_with_the_layers_below_it(seventy: dict[str, Any]) -> None:
    detached = seventy["found"]["detached"]
    ((rule, severity, where, count, _),) = detached["findings"]
    assert (rule, severity, count) == ("GF201", "error", 160)
    assert where.startswith("model.layers.{0-39}.self_attn.q_proj.lora_A, ")
    assert (detached["fed"], detached["updated"]) == (160, 160)


def told(diagnosis: Diagnosis) -> tuple[Any, ...]:
    records = diagnosis.parameters.values()
    return (
        [(f.rule, f.where, f.cause and f.cause.line) for f in diagnosis.findings if f.rule != "GF301"],
        [(r.name, r.state, r.requires_grad, r.gradient == "none", r.updated, r.losses) for r in records],
    )


@pytest.mark.parametrize("fault", llama.FAULTS)
def test_a_plan_says_what_the_same_model_with_weights_does(fault: str) -> None:
    torch.manual_seed(0)
    frozen = ["lm_head"] if fault == "head" else []
    real, real_loss, real_optimizer = llama.adapted(llama.SMALL, fault, "cpu", torch.float32, 12)
    for name, parameter in real.named_parameters():  # a plan knows no value: none is zero here
        if "lora_B" in name:
            nn.init.normal_(parameter)
    model, loss, optimizer = llama.adapted(llama.SMALL, fault, "meta", torch.float32, 12)
    planned = diagnose(model, loss, optimizer, frozen)
    assert told(planned) == told(diagnose(real, real_loss, real_optimizer, frozen))
    with FakeTensorMode() as mode:
        model, loss, optimizer = llama.adapted(llama.SMALL, fault, "cpu", torch.float32, 12)

    def faked() -> torch.Tensor:
        with mode:
            return loss()

    fake = diagnose(model, faked, optimizer, frozen)
    assert told(fake) == told(planned)
    assert fake.plan == planned.plan


@pytest.mark.parametrize("fault", llama.FAULTS)
@pytest.mark.parametrize("kind", ["SGD", "AdamW"])
def test_the_price_is_what_the_step_with_weights_takes(fault: str, kind: str) -> None:
    real, real_loss, given = llama.adapted(llama.SMALL, fault, "cpu", torch.bfloat16, 12)
    model, loss, given_too = llama.adapted(llama.SMALL, fault, "meta", torch.bfloat16, 12)
    setting = {"momentum": 0.9} if kind == "SGD" else {}
    optimizer, planned_optimizer = (
        getattr(torch.optim, kind)(o.param_groups[0]["params"], lr=1e-3, **setting) for o in (given, given_too)
    )
    plan = diagnose(model, loss, planned_optimizer).plan
    assert plan is not None
    held = optimizer.param_groups[0]["params"]
    used = [p for p in held if p.requires_grad and (fault != "detached" or p.grad_fn is None)]
    value = real_loss()
    with FlopCounterMode(display=False) as needed:
        torch.autograd.grad(value, used, retain_graph=True, allow_unused=True)
    with FlopCounterMode(display=False) as whole:
        value.backward()
    optimizer.step()
    gradients = [p.grad for p in real.parameters() if p.grad is not None]
    assert sum(part.bytes for part in plan.gradients) == sum(gradient.nbytes for gradient in gradients)
    assert sum(part.tensors for part in plan.gradients) == len(gradients)
    unused = [p.grad for p in real.parameters() if p.grad is not None and not any(p is other for other in held)]
    assert sum(part.bytes for part in plan.unused_gradients) == sum(gradient.nbytes for gradient in unused)
    state = [t for s in optimizer.state.values() for k, t in s.items() if k != "step" and torch.is_tensor(t)]
    assert sum(part.bytes for part in plan.states) == sum(tensor.nbytes for tensor in state)
    assert plan.work == whole.get_total_flops()
    assert plan.unused_work == whole.get_total_flops() - needed.get_total_flops()


def test_the_plan_comes_back_from_its_file_and_stands_in_every_report_for_people() -> None:
    diagnosis = diagnose(*llama.adapted(llama.SMALL, "everything"))
    assert parse(diagnosis.to_json(), "a report").plan == diagnosis.plan
    for report in (str(diagnosis), diagnosis.to_markdown(), diagnosis.to_html()):
        assert "of no optimizer" in report
        assert "have no memory" in " ".join(report.split())


def test_nothing_of_the_model_is_changed_by_a_plan() -> None:
    model, loss, optimizer = llama.adapted(llama.SMALL, "everything")
    before = [(t, t._version, t.requires_grad) for t in model.parameters()]
    diagnose(model, loss, optimizer)
    assert [(t, t._version, t.requires_grad) for t in model.parameters()] == before
    assert all(t.grad is None for t in model.parameters())
    assert not optimizer.state


def test_what_has_no_gradient_or_no_learning_rate_is_not_called_updated() -> None:
    with torch.device("meta"):
        model = nn.ModuleDict({"used": nn.Linear(3, 3), "still": nn.Linear(3, 3), "unused": nn.Linear(3, 3)})
        x = torch.zeros(2, 3)
    groups = [{"params": model["used"].parameters()}, {"params": model["unused"].parameters()}]
    optimizer = torch.optim.SGD([*groups, {"params": model["still"].parameters(), "lr": 0.0}], lr=0.1, weight_decay=0.1)
    diagnosis = diagnose(model, lambda: model["still"](model["used"](x)).sum(), optimizer)
    updated = {name for name, record in diagnosis.parameters.items() if record.updated}
    assert updated == {"model.used.weight", "model.used.bias"}


@pytest.mark.parametrize(
    "read",
    [
        lambda y: y.sum().item(),
        lambda y: bool(y.any()),
        lambda y: y[y > 0],
        lambda y: y.nonzero(),
        lambda y: y.unique(),
        lambda y: y.cpu(),
        lambda y: y.detach().numpy(),
    ],
)
@pytest.mark.parametrize("fake", [False, True])
def test_a_loss_that_reads_values_is_told_so_with_its_line(read: Any, fake: bool) -> None:
    mode = FakeTensorMode() if fake else contextlib.nullcontext()
    with mode, torch.device("cpu" if fake else "meta"):
        model, x = nn.Linear(3, 3), torch.zeros(2, 3)

    def loss() -> torch.Tensor:
        with mode:
            y = model(x)
            read(y)
            return y.sum()

    try:
        loss()
    except Exception:
        with pytest.raises(UsageError, match=r"test_plan.py:\d+ \(lambda y: .* reads values") as error:
            diagnose(model, loss)
        assert error.value.__cause__ is not None
    else:  # a fake tensor may answer this
        assert diagnose(model, loss).parameters["model.weight"].gradient == "finite"


def test_a_batch_with_memory_before_weights_without_is_told_so() -> None:
    model = nn.Linear(3, 3, device="meta")
    with pytest.raises(UsageError, match="mixes tensors with memory and tensors without"):
        diagnose(model, lambda: model(torch.zeros(2, 3)).sum())


def test_another_error_of_the_loss_goes_to_the_caller_as_it_is() -> None:
    def loss() -> torch.Tensor:
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        diagnose(nn.Linear(3, 3, device="meta"), loss)


def test_a_part_without_memory_that_the_loss_does_not_use_leaves_the_rest_as_it_was() -> None:
    model = nn.ModuleDict({"here": nn.Linear(3, 3), "elsewhere": nn.Linear(3, 3, device="meta").requires_grad_(False)})
    before = model["here"].weight.detach().clone()
    x = torch.randn(2, 3)
    optimizer = torch.optim.SGD(model["here"].parameters(), lr=0.1)
    diagnosis = diagnose(model, lambda: model["here"](x).sum(), optimizer)
    assert diagnosis.findings == ()
    assert diagnosis.parameters["model.here.weight"].grad_norm is not None
    assert diagnosis.parameters["model.elsewhere.weight"].gradient == "none"
    assert diagnosis.plan is not None
    assert diagnosis.plan.work is None
    assert torch.equal(model["here"].weight, before)


@pytest.mark.parametrize("cut", [False, True])
@pytest.mark.parametrize("set_to_none", [False, True])
def test_a_loop_on_the_meta_device_is_judged_like_any_other(set_to_none: bool, cut: bool) -> None:
    with torch.device("meta"):
        model = nn.ModuleDict(
            {"table": nn.Embedding(9, 4, padding_idx=0), "body": nn.Linear(4, 4), "head": nn.Linear(4, 4)}
        )
        indices = torch.zeros(2, 5, dtype=torch.long)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.1)
    with watch(model, optimizer) as flow:
        model["head"].weight.register_hook(lambda gradient: gradient * 1.0)
        for _ in range(4):
            optimizer.zero_grad(set_to_none=set_to_none)
            features = model["body"](model["table"](indices))
            loss = model["head"](features.detach() if cut else features).sum()
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
    found = [(finding.rule, finding.where) for finding in flow.diagnosis.findings]
    assert found == ([("GF201", "model.body, model.table")] if cut else []), str(flow.diagnosis)
    assert not any("the recorder failed" in gap for gap in flow.diagnosis.gaps), flow.diagnosis.gaps
    updated = {name for name, record in flow.diagnosis.parameters.items() if record.updated}
    assert len(updated) == (2 if cut else 5)
