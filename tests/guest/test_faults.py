"""Whatever of ours fails, the program does not notice, and the report says that something was lost."""

import contextlib
import inspect
import io
import itertools
import json
import os
import sys
import tempfile
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "programs"))
import harness  # noqa: E402

PROGRAM = """
import sys, torch, torch.nn.functional as F
from torch import nn
torch.manual_seed(0)
class Double(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x): return x * 2
    @staticmethod
    def backward(ctx, g): return g * 2
class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.line = nn.Embedding(5, 4), nn.Linear(4, 2)
        self.register_buffer("seen", torch.zeros(1))
    def forward(self, i):
        self.seen += 1
        return nn.Linear(2, 1)(Double.apply(self.line(self.table(i))))
net = Net()
net.line.bias.requires_grad_(False)
net.line.weight.register_hook(lambda g: g * 0.5)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
sched = torch.optim.lr_scheduler.LambdaLR(opt, lambda s: 1.0)
scaler = torch.amp.GradScaler("cpu", init_scale=2.0)
lbfgs = torch.optim.LBFGS([net.line.weight])
for step in range(3):
    net.train()
    loss = net(torch.randint(5, (3,))).pow(2).mean()
    opt.zero_grad()
    scaler.scale(loss).backward()
    scaler.step(opt); scaler.update(); sched.step()
    net.eval()
    with torch.no_grad():
        net.table.weight.mul_(0.99)
        net.line.weight.data = net.line.weight.data * 1.01
    with torch.inference_mode():
        print(net(torch.ones(2, dtype=torch.long)).sum().item())
    def closure():
        lbfgs.zero_grad(); l = net.line(torch.ones(1, 4)).sum().abs(); l.backward(); return l
    print(lbfgs.step(closure).item(), [len(list(net.named_parameters()))])
    net.line.weight.grad = None
    a, = torch.autograd.grad(net.line(torch.ones(1, 4)).sum(), net.line.weight)
    opt.load_state_dict(opt.state_dict())
    x = torch.func.vmap(torch.func.grad(lambda q: (q ** 2).sum()))(torch.ones(2, 3))
first, second = torch.ones(2), torch.zeros(2)
torch.utils.swap_tensors(first, second)
print(a.sum().item(), x.sum().item(), first, [p.double().sum().item() for p in net.parameters()], torch.rand(1))
sys.exit(5)
"""
# What torch calls itself, and what takes things out of torch again: it is what these call that may fail.
ENTRIES = {
    *("Unseen.*", "ModuleWatch.watch_*", "OptimizerWatch.*", "DeclarationWatch.*", "LookupWatch.look", "KeptWatch.before_step"),
    *("BackwardWatch.backward", "GradientWatch.grad_set", "GradientWatch.zero_grad", "MaskWatch.register_hook"),
    *("Recorder.open", "Recorder.close", "Recorder.trace", "Recorder.here", "Recorder.watches", "Recorder.is_own_thread", "Recorder.fail"),
    *("Recorder.gap", "Recorder.abandon", "Recorder._uninstall", "MaskWatch.close", "Tensors.close"),
    *("OpRecorder.pause", "OpRecorder.resume", "OpRecorder.wake", "StepWatch.begin", "StepWatch.after"),
    "StepWatch._wrap",
    "Tensors.forget_all",  # the last resort
    "StepWatch.broken_off",
}  # fmt: skip


def _is_entry(name: str) -> bool:
    owner, _, method = name.partition(".")
    return name in ENTRIES or f"{owner}.*" in ENTRIES or (f"{owner}.watch_*" in ENTRIES and method.startswith("watch_"))


def inner_functions() -> dict[str, tuple[Any, str]]:
    """Return every function of the trace room that may fail: its name → where it is kept."""
    from gradcheck_freeze.trace import (
        backwards,
        elsewhere,
        fingerprint,
        gradients,
        inventory,
        kept,
        lookups,
        masks,
        modules,
        numbers,
        op_writer,
        ops,
        optimizers,
        recorder,
        searching,
        sites,
        steps,
        tensors,
    )

    found: dict[str, tuple[Any, str]] = {
        "assemble": (recorder, "assemble"),
        "namespaces_of": (searching, "namespaces_of"),
        "steps.fingerprint": (steps, "fingerprint"),
        "ops.collect": (ops, "collect"),
        "op_writer.flags_of": (op_writer, "flags_of"),
    }
    assert fingerprint
    watching = (backwards, gradients, kept, lookups, masks, modules, ops, recorder, searching, steps)
    for module in (*watching, elsewhere, inventory, numbers, op_writer, optimizers, sites, tensors):
        for owner in vars(module).values():
            if (
                not inspect.isclass(owner)
                or owner.__module__ != module.__name__
                or hasattr(owner, "__dataclass_fields__")
            ):
                continue
            for method, function in vars(owner).items():
                name = f"{owner.__name__}.{method}"
                if inspect.isfunction(function) and not method.startswith("__") and not _is_entry(name):
                    found[name] = owner, method
    return found


def broken(kind: type[BaseException], called: list[int], original: Any, at: int) -> Callable[..., Any]:
    """Return a function that raises from its call number `at` on; an interrupt comes once, and later it works."""

    def fail(*args: Any, **kwargs: Any) -> Any:
        called.append(1)
        if len(called) == at or (len(called) > at and kind is not KeyboardInterrupt):
            raise kind("made to fail")
        return original(*args, **kwargs)

    return fail


def run(
    name: str, kind: type[BaseException] | None, program: str = PROGRAM, at: int = 1
) -> tuple[Any, str, str, str, int]:
    """Run the program, without us if there is no kind of error: status, output, what we said, the report, calls."""
    out, err = io.StringIO(), io.StringIO()
    called: list[int] = []
    status: Any = 0
    with tempfile.TemporaryDirectory() as folder:
        os.chdir(folder)
        Path("program.py").write_text(program)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                if kind is None:
                    exec(compile(program, "program.py", "exec"), {"__name__": "__main__"})
                else:
                    from gradcheck_freeze.cli import command

                    owner, method = inner_functions()[name]
                    setattr(owner, method, broken(kind, called, vars(owner)[method], at))
                    command.main(
                        ["run", "--fail-on", "never", "-o", "r.json", "program.py"], prog_name="gradcheck-freeze"
                    )
            except SystemExit as stop:
                status = stop.code
            except BaseException as error:
                status = repr(error)
        report = Path("r.json").read_text() if Path("r.json").is_file() else ""
        os.chdir("/")
    return status, out.getvalue(), err.getvalue(), report, len(called)


def calls(program: str) -> dict[str, int]:
    """Return how often the program under watch calls every function that may fail."""
    from gradcheck_freeze.cli import command

    counts: dict[str, int] = {}

    def counting(name: str, original: Any) -> Any:
        def count(*args: Any, **kwargs: Any) -> Any:
            counts[name] = counts.get(name, 0) + 1
            return original(*args, **kwargs)

        return count

    for name, (owner, method) in inner_functions().items():
        setattr(owner, method, counting(name, vars(owner)[method]))
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(io.StringIO()):
        os.chdir(folder)
        Path("program.py").write_text(program)
        with contextlib.redirect_stderr(io.StringIO()), contextlib.suppress(SystemExit):
            command.main(["run", "--fail-on", "never", "program.py"], prog_name="gradcheck-freeze")
        os.chdir("/")
    return counts


def test_no_failure_of_ours_reaches_the_program_and_every_one_is_told() -> None:
    (counts,) = harness.forked(calls, [PROGRAM])
    kinds = itertools.cycle([RuntimeError, MemoryError, RecursionError])
    names = sorted(counts)
    plain, *results = harness.forked(run, ["", *names], [None, *itertools.islice(kinds, len(names))])
    assert plain[0] == 5
    wrong: dict[str, Any] = {}
    for name, (status, out, err, report, called) in zip(names, results, strict=True):
        if (status, out) != plain[:2]:
            wrong[name] = status, out[-200:], err[-600:]
        elif not report:
            wrong[name] = "no report", err[-600:]
        elif called and not any("the recorder failed" in gap for gap in map(str, json.loads(report)["gaps"])):
            wrong[name] = "not told", called
    assert not wrong, wrong
    assert len(names) >= 80


INTERRUPTED = (
    "def work():\n"
    + textwrap.indent(PROGRAM, "    ")
    + """
import sys
for _ in range(2):
    try:
        work()
    except KeyboardInterrupt:
        print("interrupted")
    except SystemExit:
        print("ended")
"""
)


def test_an_interrupt_inside_our_code_reaches_the_program_and_leaves_a_trace_that_can_be_judged() -> None:
    (counts,) = harness.forked(calls, [PROGRAM])
    # What is called so often is called while the program runs, and not only before and after it.
    names = [name for name in sorted(counts) if counts[name] >= 6][::2]
    assert len(names) >= 20
    at = [counts[name] // 3 for name in names]
    results = harness.forked(run, names, [KeyboardInterrupt] * len(names), [INTERRUPTED] * len(names), at)
    wrong = {
        name: (status, out[-300:], err[-600:])
        for name, wanted, (status, out, err, report, called) in zip(names, at, results, strict=True)
        if status != 0
        or not report
        or out.count("interrupted") != (called >= wanted)
        or out.count("ended") != 1 + (called < wanted)
    }
    assert not wrong, wrong
