"""A good guest: programs end bit for bit as without us. The cases folder beside the repository is used where it is there."""

import contextlib
import io
import os
import runpy
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent.parent
sys.path.insert(0, str(ROOT / "tests" / "programs"))
import harness  # noqa: E402

CASES = Path(os.environ.get("GRADCHECK_FREEZE_CASES", ROOT.parent / "shared" / "cases"))
ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"}
WRAPPER = """
import hashlib, random, runpy, sys
random.seed(0)
space = runpy.run_path(sys.argv[1])
import torch
digest = hashlib.sha256(torch.get_rng_state().numpy().tobytes() + repr(random.getstate()).encode())
def take(value):
    if isinstance(value, torch.Tensor):
        value = value.detach().contiguous()
        digest.update(str(value.dtype).encode() + value.view(-1).view(torch.uint8).numpy().tobytes() if value.numel() else b"")
    elif isinstance(value, dict):
        for key in value:
            take(value[key])
    elif isinstance(value, (list, tuple)):
        for item in value:
            take(item)
    elif isinstance(value, (torch.nn.Module, torch.optim.Optimizer)):
        take(value.state_dict())
for name in sorted(space):
    if not name.startswith("__"):
        take(space[name])
print("digest", digest.hexdigest())
"""
TRAININGS = {
    "loader_and_dropout": """
        from torch.utils.data import DataLoader, TensorDataset
        data = DataLoader(TensorDataset(torch.randn(32, 4)), batch_size=8, shuffle=True, num_workers=1)
        net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
        opt = torch.optim.AdamW(net.parameters())
        sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, 4)
        for (x,) in data:
            with torch.autocast("cpu", torch.bfloat16):
                loss = net(x).float().pow(2).mean()
            opt.zero_grad(); loss.backward(); opt.step(); sched.step(); print(loss.item())
    """,
    "attention_in_eval": """
        net = nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2)
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        mask = torch.zeros(3, 5, dtype=torch.bool); mask[0, 3:] = True
        for _ in range(2):
            opt.zero_grad(); net(torch.randn(3, 5, 16)).pow(2).mean().backward(); opt.step()
            net.eval()
            with torch.no_grad():
                print(repr(net(torch.ones(3, 5, 16), src_key_padding_mask=mask).double().sum().item()))
            net.train()
    """,
    "closure_checkpoint_ema_save": """
        import copy, io, hashlib
        from torch.utils.checkpoint import checkpoint
        net = nn.Sequential(nn.Linear(4, 8), nn.Tanh(), nn.Linear(8, 1))
        ema = torch.optim.swa_utils.AveragedModel(net)
        opt = torch.optim.LBFGS(net.parameters(), max_iter=3)
        x = torch.randn(8, 4)
        def closure():
            opt.zero_grad(); loss = checkpoint(net, x, use_reentrant=False).pow(2).mean(); loss.backward(); return loss
        for _ in range(2):
            print(opt.step(closure).item()); ema.update_parameters(net)
        other = copy.deepcopy(net); file = io.BytesIO(); torch.save(net.state_dict(), file)
        print(hashlib.sha256(file.getvalue()).hexdigest())
    """,
    "functions_modes_and_swaps": """
        import warnings
        from torch.func import functional_call, grad, vmap
        from torch.overrides import TorchFunctionMode
        class Count(TorchFunctionMode):
            n = 0
            def __torch_function__(self, f, t, a=(), k=None):
                Count.n += 1
                return f(*a, **(k or {}))
        class Double(torch.autograd.Function):
            @staticmethod
            def forward(ctx, x): return x * 2
            @staticmethod
            def backward(ctx, g): return g * 2
        net = torch.nn.utils.parametrizations.spectral_norm(nn.Linear(4, 4))
        opt = torch.optim.SGD(net.parameters(), lr=0.1)
        for _ in range(2):
            with Count(), torch.device("cpu"):
                loss = Double.apply(net(torch.randn(3, 4))).pow(2).sum()
            opt.zero_grad(); loss.backward(); opt.step()
        p = dict(nn.Linear(4, 4).named_parameters())
        print(Count.n, vmap(grad(lambda q: (q ** 2).sum()))(torch.ones(2, 3)), functional_call(nn.Linear(4, 4), p, torch.ones(1, 4)))
        a, b = torch.ones(2), torch.zeros(2); torch.utils.swap_tensors(a, b); print(a)
        print(torch.jit.script(nn.MultiheadAttention(4, 1)) is not None, len(torch.jit.trace(lambda x: x + 1, torch.ones(1)).code))
        warnings.warn("once"); print(torch.ones(2, 3).T.shape)
    """,
}  # fmt: skip


def digests(script: Path, folder: Path) -> list[tuple[int, str]]:
    wrapper = folder / "wrapper.py"
    wrapper.write_text(WRAPPER)
    running = [
        subprocess.Popen(
            [sys.executable, "-W", "ignore", *tool, str(wrapper), script.name],
            cwd=script.parent,
            env=ENVIRONMENT,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        for tool in ((), ("-m", "gradcheck_freeze", "run", "--fail-on", "never"))
    ]
    results = []
    for process in running:
        out, err = process.communicate(timeout=120)
        assert "digest " in out, err
        assert "the recorder failed" not in err, err
        results.append((process.returncode, out))
    return results


@pytest.mark.parametrize("name", sorted(TRAININGS))
def test_a_training_ends_bit_for_bit_as_without_us(name: str, tmp_path: Path) -> None:
    import textwrap

    script = tmp_path / "training.py"
    script.write_text("import torch\nfrom torch import nn\ntorch.manual_seed(0)\n" + textwrap.dedent(TRAININGS[name]))
    plain, ours = digests(script, tmp_path)
    assert ours == plain


def digest(script: Path, tool: list[str] | None) -> tuple[int | str | None, str, str]:
    """Run a case in this process, which is thrown away afterwards: its status, output and what it said beside."""
    out, err = io.StringIO(), io.StringIO()
    status: int | str | None = 0
    os.chdir(script.parent)
    with tempfile.NamedTemporaryFile("w", suffix=".py") as wrapper:
        wrapper.write(WRAPPER)
        wrapper.flush()
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            try:
                if tool is None:
                    sys.argv = [wrapper.name, script.name]
                    runpy.run_path(wrapper.name, run_name="__main__")
                else:
                    from gradcheck_freeze.cli import command

                    command.main([*tool, wrapper.name, script.name], prog_name="gradcheck-freeze")
            except SystemExit as stop:
                status = stop.code
    return status, out.getvalue(), err.getvalue()


@pytest.mark.skipif(not CASES.is_dir(), reason=f"no folder of cases at {CASES}")
def test_every_case_ends_bit_for_bit_as_without_us() -> None:
    scripts = sorted(CASES.glob("*/*.py"))
    tools = [None, ["run", "--fail-on", "never"]]
    rows = [(script, tool) for script in scripts for tool in tools]
    results = list(harness.forked(digest, *zip(*rows, strict=True)))
    changed = {
        f"{script.parent.name}/{script.stem}": (plain, ours)
        for script, plain, ours in zip(scripts, results[::2], results[1::2], strict=True)
        if plain[:2] != ours[:2] or "digest " not in plain[1] or "the recorder failed" in ours[2]
    }
    assert changed == {}
