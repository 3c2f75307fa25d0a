"""Compiled code under watch: what is compiled, when, and what is left behind, as torch's own counters tell."""

import contextlib
import io
import runpy
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parent))
import running

HEAD = """
import torch
import torch._dynamo
from torch import nn
from torch._dynamo.utils import counters
from gradcheck_freeze import watch
torch.manual_seed(0)
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.body, self.drop, self.norm, self.out = nn.Linear(4, 8), nn.Dropout(0.5), nn.BatchNorm1d(8), nn.Linear(8, 1)
    def forward(self, x):
        return self.out(self.norm(self.drop(self.body(x))))
net = Net()
opt = torch.optim.SGD(net.parameters(), lr=0.1)
def step(run):
    loss = run(torch.randn(16, 4)).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    return loss
def compiles():
    return counters["stats"]["unique_graphs"]
"""
PROGRAMS = {
    "code_that_was_compiled_before_the_window_is_valid_after_it": """
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        step(fast)
        before = compiles()
        with watch(net, opt, steps=2) as flow:
            for _ in range(3):
                step(fast)
        step(fast)
        assert compiles() == before, (compiles(), before)
        assert flow.diagnosis.ok, flow.diagnosis
    """,
    "what_is_called_first_in_the_window_is_compiled_once_after_it": """
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        with watch(net, opt, steps=2):
            for _ in range(2):
                step(fast)
            assert compiles() == 0
            step(fast)
        for _ in range(2):
            step(fast)
        assert compiles() == 1, compiles()
    """,
    "a_module_made_to_compile_in_the_window_keeps_nothing_of_ours": """
        with watch(net, opt, steps=2):
            fast = torch.compile(net, fullgraph=True, backend="aot_eager")
            step(fast)
        assert "gradcheck_freeze" not in fast.forward._torchdynamo_orig_callable.__func__.__module__
        step(fast)
        assert compiles() == 1
    """,
    "opaque_code_is_compiled_as_often_as_without_us": """
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        with watch(net, opt, steps=2, compile="opaque") as flow:
            for _ in range(4):
                step(fast)
        step(fast)
        assert compiles() == 1, compiles()
        assert flow.diagnosis.ok and any("from outside" in gap for gap in flow.diagnosis.gaps), flow.diagnosis
    """,
    "a_stance_of_the_users_own_holds_in_and_after_the_window": """
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        with watch(net, opt, steps=1) as flow:
            with torch.compiler.set_stance("default"):
                step(fast)
                assert compiles() == 1, compiles()
            flow.diagnosis
            with torch.compiler.set_stance("force_eager"):
                step(fast)
        torch._dynamo.reset()
        step(fast)
        assert compiles() == 2, compiles()
    """,
    "a_window_that_closes_in_a_stance_of_the_users_leaves_no_other": """
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        flow = watch(net, opt, steps=1)
        flow.__enter__()
        with torch.compiler.set_stance("eager_on_recompile"):
            flow.__exit__(None, None, None)
        assert torch._dynamo.eval_frame._stance.stance == "default"
        step(fast)
        assert compiles() == 1, compiles()
    """,
    "a_window_that_closes_in_a_compiled_function_leaves_it_running": """
        @torch.compile(backend="aot_eager")
        def whole(x):
            loss = net(x).pow(2).mean()
            opt.zero_grad()
            loss.backward()
            opt.step()
            return loss * 2
        for compiled in ("eager", "opaque"):
            with watch(net, opt, steps=1, compile=compiled) as flow:
                for _ in range(2):
                    assert whole(torch.randn(16, 4)).requires_grad
            assert flow.diagnosis.ok, flow.diagnosis
        whole(torch.randn(16, 4))
        dynamo = torch._dynamo.eval_frame
        for thing in (dynamo._callback_from_stance, dynamo._TorchDynamoContext.__call__, nn.Module.__call__, torch.compile):
            assert "gradcheck" not in thing.__module__
    """,
    "a_compiled_module_is_recomputed_in_the_backward_of_a_checkpoint": """
        from torch.utils.checkpoint import checkpoint
        fast = torch.compile(net, backend="aot_eager")
        with watch(net, opt, steps=2, compile="opaque") as flow:
            for _ in range(3):
                step(lambda x: checkpoint(fast, x, use_reentrant=False))
        assert flow.diagnosis.ok, flow.diagnosis
    """,
    "an_error_in_compiled_code_goes_to_the_program_and_the_watch_goes_on": """
        @torch.compile(backend="aot_eager")
        def failing(x):
            torch._dynamo.graph_break()
            raise ValueError("theirs")
        with watch(net, opt, steps=2, compile="opaque") as flow:
            step(net)
            try:
                failing(torch.ones(1))
            except ValueError:
                pass
            step(net)
        assert flow.diagnosis.ok and len(flow.diagnosis.losses) == 1, flow.diagnosis
        assert {p.updated for p in flow.diagnosis.parameters.values() if p.kind == "parameter"} == {True}
    """,
    "code_compiled_in_another_thread_is_compiled_without_us": """
        import threading
        fast = torch.compile(net, fullgraph=True, backend="aot_eager")
        got = []
        def work():
            got.append(fast(torch.ones(2, 4)).shape)
        with watch(net, opt, steps=2, compile="opaque") as flow:
            step(fast)
            torch._dynamo.reset()
            thread = threading.Thread(target=work)
            thread.start(); thread.join()
            step(fast)
        assert got == [(2, 1)]
        assert flow.diagnosis.ok, flow.diagnosis
    """,
    "a_teacher_without_grad_inside_a_compiled_region_is_left_alone": """
        import copy
        teacher = copy.deepcopy(net)
        @torch.compile(backend="aot_eager")
        def distance(x):
            with torch.no_grad():
                target = teacher(x)
            return (net(x) - target + 1).pow(2)
        with watch({"net": net, "teacher": teacher}, opt, steps=3, compile="opaque") as flow:
            for _ in range(3):
                step(distance)
        assert flow.diagnosis.ok and not flow.diagnosis.findings, flow.diagnosis
    """,
    "a_frozen_part_of_a_compiled_module_is_left_alone": """
        net.body.requires_grad_(False)
        fast = torch.compile(net, backend="aot_eager")
        with watch(net, opt, steps=3, compile="opaque", frozen=["body"]) as flow:
            for _ in range(3):
                step(fast)
        assert flow.diagnosis.ok and not flow.diagnosis.findings, flow.diagnosis
    """,
    "a_step_that_drops_its_gradients_inside_is_noted": """
        @torch.compile(backend="aot_eager")
        def whole(x):
            loss = net(x).pow(2).mean()
            loss.backward()
            opt.step()
            opt.zero_grad()
            return loss
        with watch(net, opt, steps=3, compile="opaque") as flow:
            for _ in range(3):
                whole(torch.randn(16, 4))
        assert flow.diagnosis.ok and not flow.diagnosis.findings, flow.diagnosis
        assert all(p.updated for p in flow.diagnosis.parameters.values() if p.kind == "parameter")
    """,
}  # fmt: skip


def outcome(name: str) -> str:
    """Run a program in this process, which is thrown away afterwards; return what went wrong."""
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stderr(io.StringIO()):
        path = Path(folder, f"{name[:30]}.py")
        path.write_text(HEAD + textwrap.dedent(PROGRAMS[name]))
        try:
            runpy.run_path(str(path), run_name="__main__")
        except BaseException as error:
            return f"{type(error).__name__}: {error}"
    return ""


@pytest.fixture(scope="module")
def outcomes() -> dict[str, Any]:
    names = sorted(PROGRAMS)
    return dict(zip(names, running.harness.forked(outcome, names), strict=True))


@pytest.mark.parametrize("name", sorted(PROGRAMS))
def test_compiled(name: str, outcomes: dict[str, Any]) -> None:
    assert outcomes[name] == ""
