"""However long a program goes on with whatever it does, the trace of it ends: the window closes, and the report says so."""

import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "programs"))
import harness  # noqa: E402

MAX_OPS, TIMES = 300, 1_000
LOOPS = {
    "calls of a module that computes nothing": "identity(x)",
    "evaluation": "net.eval(); net.train()",
    "gradients dropped": "net.weight.grad = x; opt.zero_grad()",
    "flags set": "w.requires_grad_(True)",
    "gradients put in": "net.weight.grad = x",
    "numbers read": "x.sum().item()",
    "modules made": "nn.Linear(2, 2)",
    "optimizers made": "torch.optim.SGD([w], lr=0.1)",
    "tiny graphs": "torch.autograd.backward([w], [x[0, :1]])",
    "hooks": "w.register_hook(lambda g: g).remove()",
    "steps without gradient": "opt.zero_grad(); opt.step()",
    "rollouts": "torch.from_numpy(x.numpy()) + 1",
    "buffers": "net.register_buffer('held', torch.ones(1))",
    "states loaded": "opt.load_state_dict(opt.state_dict())",
    "schedulers made": "torch.optim.lr_scheduler.StepLR(opt, 1)",
    "names walked over": "list(net.named_parameters())",
}


def sizes(line: str) -> tuple[int, list[str]]:
    """Run a line many times under a small limit; return the size of the largest column kept and what was said."""
    import torch
    from torch import nn

    from gradcheck_freeze.trace.placement import Placement
    from gradcheck_freeze.trace.recorder import Recorder

    recorder = Recorder(Placement(steps=1 << 30, max_ops=MAX_OPS))
    recorder.open()
    net, identity = nn.Linear(2, 1), nn.Identity()
    names = {
        "torch": torch,
        "nn": nn,
        "net": net,
        "identity": identity,
        "opt": torch.optim.SGD(net.parameters(), lr=0.1),
        "x": torch.ones(1, 2),
        "w": torch.ones(1, requires_grad=True),
    }
    code = compile(line, "loop.py", "exec")
    for _ in range(TIMES):
        exec(code, names)
    parts = [
        part.__dict__
        for part in vars(recorder).values()
        if "gradcheck_freeze" in type(part).__module__ and hasattr(part, "__dict__")
    ]
    ops, values = recorder.ops.ops, recorder.ops.values
    columns = [
        ops.name,
        ops.inputs,
        ops.outputs,
        values.op,
        values.after,
        *(v for held in parts for v in held.values()),
    ]
    inner = [held for column in columns if isinstance(column, dict) for held in column.values()]
    largest = max(len(held) for held in (*columns, *inner) if isinstance(held, (list, dict, set)) or held is values.op)
    recorder.close("the loop ended")
    return largest, [gap.what for gap in recorder.trace().gaps]


def test_nothing_that_is_kept_grows_with_the_run_beyond_the_limit() -> None:
    results = dict(zip(LOOPS, harness.forked(sizes, LOOPS.values()), strict=True))
    assert {name: size for name, (size, _) in results.items() if size > 3 * MAX_OPS} == {}
    said = {name for name, (_, gaps) in results.items() if any("--max-ops" in gap for gap in gaps)}
    assert set(LOOPS) - said == {"states loaded", "schedulers made", "names walked over"}  # nothing of these is kept


@pytest.mark.parametrize("limit", [1, 7, 40])
def test_a_program_goes_on_when_the_limit_is_reached(limit: int) -> None:
    program = ROOT / "tests" / "guest" / "trainings" / "autocast_schedulers.py"
    (run, plain) = harness.run_all([program, program], [["--max-ops", str(limit)], []])
    assert (run.status, run.stdout) == (plain.status, plain.stdout)
    assert run.stdout
    assert any("raise --max-ops" in str(gap) for gap in run.report["gaps"])
