"""Runs the program of a feature and its correct twin, each with and without the tool, and says what is not as it must be.

`python tests/support/running.py PART...` prints what is said of the programs whose names begin so, and what is wrong.
"""

import contextlib
import hashlib
import io
import json
import os
import random
import runpy
import sys
import tempfile
import warnings
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "programs")]
import harness  # noqa: E402
from features import Feature, features, program  # noqa: E402


@dataclass(frozen=True)
class Ending:
    """How a program ended: what it printed and left behind, and what torch itself says of every parameter."""

    status: Any
    stdout: str
    digest: str
    received: dict[str, bool]  # parameter → whether its `.grad` was there at a step, or at the end
    moved: dict[str, bool]
    report: dict[str, Any]
    stderr: str


class Oracle:
    """PyTorch's own word: what `.grad` holds at every step, and whether a parameter's bits differ at the end."""

    def __init__(self) -> None:
        self.start: dict[str, Any] = {}
        self.received: dict[str, bool] = {}

    def watch(self, steps: bool) -> None:
        """Look whenever an optimizer is built, and at its steps, unless they are compiled: a hook would be compiled with them."""
        from torch.optim.optimizer import Optimizer, register_optimizer_step_pre_hook

        plain = Optimizer.add_param_group

        def add_param_group(optimizer: Any, group: Any) -> None:
            plain(optimizer, group)
            self.look_around()

        Optimizer.add_param_group = add_param_group
        if steps:
            register_optimizer_step_pre_hook(self.look_around)

    def look_around(self, *_: Any) -> None:
        frame = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") != "__main__":
            frame = frame.f_back
        if frame is not None:
            self.look(frame.f_globals)

    def look(self, space: dict[str, Any]) -> dict[str, Any]:
        import torch

        modules = {name: value for name, value in space.items() if isinstance(value, torch.nn.Module)}
        found = {f"{name}.{inner}": p for name, module in modules.items() for inner, p in module.named_parameters()}
        for name, parameter in found.items():
            self.start.setdefault(name, parameter.detach().clone())
            self.received[name] = self.received.get(name, False) or parameter.grad is not None
        return found

    def moved(self, space: dict[str, Any]) -> dict[str, bool]:
        import torch

        return {name: not torch.equal(self.start[name].to(p.dtype), p.detach()) for name, p in self.look(space).items()}


def digest(space: dict[str, Any]) -> str:
    """Return a hash of all tensors, modules and optimizers a program leaves in its variables, and of its random states."""
    import torch

    found = hashlib.sha256(torch.get_rng_state().numpy().tobytes() + repr(random.getstate()).encode())
    for name in sorted(space):
        if not name.startswith("__"):
            for tensor in _tensors(space[name]):
                found.update(str(tensor.dtype).encode())
                found.update(tensor.detach().resolve_conj().contiguous().numpy(force=True).tobytes())
    return found.hexdigest()


def _tensors(value: Any) -> Iterator[Any]:
    """Yield the plain dense tensors that a variable leads to."""
    import torch

    if isinstance(value, torch.Tensor):
        if value.is_nested:
            yield from value.unbind()
        elif type(value) in (torch.Tensor, torch.nn.Parameter):
            yield value if value.layout is torch.strided else value.to_dense()
    elif isinstance(value, dict):
        for item in value.values():
            yield from _tensors(item)
    elif isinstance(value, (list, tuple)):
        for item in value:
            yield from _tensors(item)
    elif isinstance(value, (torch.nn.Module, torch.optim.Optimizer)):
        yield from _tensors(value.state_dict())


def end(path: Path, watched: bool) -> Ending:
    """Run one program in this process, which is thrown away afterwards."""
    out, err, oracle = io.StringIO(), io.StringIO(), Oracle()
    status: Any = 0
    space: dict[str, Any] = {}
    saved = path.with_suffix(".json")
    os.chdir(path.parent)
    random.seed(0)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if watched:
                from gradcheck_freeze.cli import command

                given = ["run", "--fail-on", "never", "-o", str(saved), *harness.options(path), path.name]
                command.main(given, prog_name="gradcheck-freeze")
            else:
                oracle.watch(steps="opaque" not in path.stem)
                space = runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            status = stop.code
        except Exception as error:
            status = repr(error)
    if watched:
        space = dict(vars(sys.modules["__main__"]))
    report = json.loads(saved.read_text("utf-8")) if watched and saved.exists() else {}
    moved = {} if watched else oracle.moved(space)
    return Ending(status or 0, out.getvalue(), digest(space), oracle.received, moved, report, err.getvalue())


def disagreements(feature: Feature, path: Path, plain: Ending, ours: Ending) -> list[str]:
    """Return every point in which the tool is not what is declared of the feature."""
    if plain.status != 0:
        return [f"the program itself fails: {plain.status} {plain.stderr[-800:]}"]
    if ours.status != 0 or not ours.report:
        return [f"under the tool: {ours.status} {ours.stderr[-800:]}"]
    wrong = harness.disagreements(harness.Run(path, 0, ours.report, ours.stderr))
    if feature.same and plain.stdout != ours.stdout:
        wrong.append("changed: what it prints is not as without the tool")
    elif feature.same and plain.digest != ours.digest:
        wrong.append("changed: what it leaves is not as without the tool")
    gaps = [gap for gap in ours.report["gaps"] if "failed" not in gap]
    if feature.gap and not any(feature.gap in gap for gap in gaps):
        wrong.append(f"no gap names it: {gaps}")
    if not feature.gap and gaps:
        wrong.append(f"a gap that is not declared: {gaps}")
    return wrong + list(_against_torch(plain, ours))


def _against_torch(plain: Ending, ours: Ending) -> Iterator[str]:
    """Yield what the report says of gradients and updates against PyTorch's own word."""
    records = {name: r for r in ours.report["parameters"] for name in (r["name"], *r["aliases"])}
    for name, moved in plain.moved.items():
        record = records.get(name.replace("._orig_mod", ""))
        if record is None:
            yield f"no parameter {name} in the report"
            continue
        if moved != record["updated"]:
            yield f"{name}: updated is {record['updated']}, torch says {moved}"
        if plain.received[name] != (record["gradient"] != "none"):
            yield f"{name}: gradient is {record['gradient']}, torch says {plain.received[name]}"


def check(chosen: list[Feature], verbose: bool = False) -> dict[str, list[str]]:
    """Run features and return what is wrong, by the names of the programs, `_twin` behind that of a twin."""
    more = ["torch._functorch.aot_autograd", "click", "gradcheck_freeze.rules.judge"]
    harness.PRELOADED[:] = dict.fromkeys((*harness.PRELOADED, *more))
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder, "inductor"))
        paths: list[Path] = []
        for feature in (f for f in chosen if f.tested):
            for twin in (False, True):
                paths.append(Path(folder, f"{feature.path.stem}{'_twin' if twin else ''}.py"))
                paths[-1].write_text(program(feature, twin), "utf-8")
        of = {feature.path.stem: feature for feature in chosen}
        twice = [path for path in paths for _ in (0, 1)]
        endings = list(harness.forked(end, twice, [False, True] * len(paths)))
        for path, plain, ours in zip(paths, endings[::2], endings[1::2], strict=True):
            if verbose:
                print(ours.stderr)
            wrong = disagreements(of[path.stem.removesuffix("_twin")], path, plain, ours)
            if wrong:
                found[path.stem] = wrong
    return found


def main(parts: list[str]) -> int:
    """Print what is wrong, and of a few features what is said."""
    chosen = [f for f in features() if f.tested and (not parts or f.path.stem.startswith(tuple(parts)))]
    found = check(chosen, verbose=len(chosen) < 3)
    for name, wrong in found.items():
        print(f"-- {name}", *wrong, sep="\n     ")
    print(f"{2 * len(chosen) - len(found)} of {2 * len(chosen)} as declared")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
