"""Runs the program of a feature and its correct twin, each with and without the tool, and says what is not as it must be.

`python tests/support/running.py PART...` prints what is said of the features whose names hold a part, and what is wrong.
"""

import contextlib
import fnmatch
import hashlib
import io
import json
import os
import random
import re
import runpy
import sys
import tempfile
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

HERE = Path(__file__).parent
sys.path[:0] = [str(HERE), str(HERE.parent / "programs")]
import harness  # noqa: E402
from features import FEATURES, Feature  # noqa: E402

BY_NAME = {feature.name: feature for feature in FEATURES}


@dataclass(frozen=True)
class Ending:
    """How a program ended: what it printed and left behind, and what torch itself says of every parameter."""

    status: Any
    stdout: str
    digest: str
    received: dict[str, bool]  # parameter → whether its `.grad` was ever there when an optimizer stepped, or at the end
    moved: dict[str, bool]
    report: dict[str, Any]
    stderr: str


def source(feature: Feature, twin: bool) -> str:
    """Return the program of a feature, or its correct twin."""
    lines = []
    for line in feature.program.splitlines():
        if twin and line.startswith("# expect"):
            continue
        if twin and "# right: " in line:
            line = re.match(r"\s*", line)[0] + line.split("# right: ")[1]
        lines.append(line.split("# right: ")[0].rstrip())
    return "\n".join(lines) + "\n"


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
            self.at_once()

        Optimizer.add_param_group = add_param_group
        if steps:
            register_optimizer_step_pre_hook(self.at_once)

    def look(self, space: dict[str, Any]) -> dict[str, Any]:
        import torch

        found = {}
        for name, value in space.items():
            if isinstance(value, torch.nn.Module) and not name.startswith("_"):
                found.update({f"{name}.{k}": p for k, p in value.named_parameters()})
        for name, parameter in found.items():
            self.start.setdefault(name, parameter.detach().clone())
            self.received[name] = self.received.get(name, False) or parameter.grad is not None
        return found

    def at_once(self, *_: Any) -> None:
        frame = sys._getframe(1)
        while frame is not None and frame.f_globals.get("__name__") != "__main__":
            frame = frame.f_back
        if frame is not None:
            self.look(frame.f_globals)

    def moved(self, space: dict[str, Any]) -> dict[str, bool]:
        import torch

        return {name: not torch.equal(self.start[name].to(p.dtype), p.detach()) for name, p in self.look(space).items()}


def digest(space: dict[str, Any]) -> str:
    """Return a hash of all tensors, modules and optimizers a program leaves in its variables, and of its random states."""
    import torch

    found = hashlib.sha256(torch.get_rng_state().numpy().tobytes() + repr(random.getstate()).encode())

    def take(value: Any) -> None:
        if isinstance(value, torch.Tensor):
            value = value.detach()
            if value.is_nested:
                value = torch.cat([part.reshape(-1) for part in value.unbind()])
            if type(value) not in (torch.Tensor, torch.nn.Parameter):
                return
            value = value.to_dense() if value.layout is not torch.strided else value
            found.update(str(value.dtype).encode() + value.resolve_conj().contiguous().numpy(force=True).tobytes())
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
    return found.hexdigest()


def end(name: str, twin: bool, watched: bool, folder: str) -> Ending:
    """Run one program in this process, which is thrown away afterwards."""
    path = Path(folder, f"{re.sub('[^a-z]+', '_', name.lower())}_{'twin' if twin else 'fault'}.py")
    path.write_text(source(BY_NAME[name], twin), "utf-8")
    out, err, oracle = io.StringIO(), io.StringIO(), Oracle()
    status: Any = 0
    report: dict[str, Any] = {}
    space: dict[str, Any] = {}
    os.chdir(folder)
    random.seed(0)
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            if watched:
                from gradcheck_freeze.cli import command

                saved = path.with_suffix(".json")
                options = harness.options(path)
                command.main(["run", "--fail-on", "never", "-o", str(saved), *options, path.name], prog_name="gradcheck-freeze")
            else:
                oracle.watch(steps="opaque" not in BY_NAME[name].program)
                space = runpy.run_path(str(path), run_name="__main__")
        except SystemExit as stop:
            status = stop.code
        except Exception as error:
            status = repr(error)
    if watched:
        space = dict(vars(sys.modules["__main__"]))
        saved = path.with_suffix(".json")
        report = json.loads(saved.read_text("utf-8")) if saved.exists() else {}
    moved = {} if watched else oracle.moved(space)
    return Ending(status or 0, out.getvalue(), digest(space), oracle.received, moved, report, err.getvalue())


def disagreements(feature: Feature, twin: bool, plain: Ending, ours: Ending, folder: Path) -> list[str]:
    """Return every point in which the tool is not what is declared of the feature."""
    wrong = []
    if plain.status != 0:
        return [f"the program itself fails: {plain.status} {plain.stderr[-800:]}"]
    if ours.status != 0 or not ours.report:
        return [f"under the tool: {ours.status} {ours.stderr[-800:]}"]
    if feature.same and (plain.stdout, plain.digest) != (ours.stdout, ours.digest):
        what = "it prints" if plain.stdout != ours.stdout else "it leaves"
        wrong.append(f"changed: what {what} is not as without the tool")
    path = next(folder.glob(f"{re.sub('[^a-z]+', '_', feature.name.lower())}_{'twin' if twin else 'fault'}.py"))
    wrong += harness.disagreements(harness.Run(path, 0, ours.report, ours.stderr))
    gaps = [gap for gap in ours.report["gaps"] if "failed" not in gap]
    if feature.gap and not any(feature.gap in gap for gap in gaps):
        wrong.append(f"no gap names it: {gaps}")
    if not feature.gap and gaps:
        wrong.append(f"a gap nobody declared: {gaps}")
    records = {n.replace("._orig_mod", ""): r for r in ours.report["parameters"] for n in (r["name"], *r["aliases"])}
    for name, moved in plain.moved.items():
        record = records.get(name.replace("._orig_mod", ""))
        if record is None:
            wrong.append(f"no parameter {name} in the report")
            continue
        if moved != record["updated"]:
            wrong.append(f"{name}: updated is {record['updated']}, torch says {moved}")
        if plain.received[name] != (record["gradient"] != "none"):
            wrong.append(f"{name}: gradient is {record['gradient']}, torch says {plain.received[name]}")
    return wrong


def check(features: list[Feature], verbose: bool = False) -> dict[str, list[str]]:
    """Run every feature and return what is wrong, by name; a feature that is as declared is left out."""
    harness.PRELOADED[:] = [*harness.PRELOADED, "torch._functorch.aot_autograd", "click", "gradcheck_freeze.rules.judge"]
    rows = [(f.name, twin, watched) for f in features if f.program for twin in (False, True) for watched in (False, True)]
    found: dict[str, list[str]] = {}
    with tempfile.TemporaryDirectory() as folder:
        os.environ["TORCHINDUCTOR_CACHE_DIR"] = str(Path(folder, "inductor"))
        endings = list(harness.forked(end, *zip(*rows, strict=True), [folder] * len(rows)))
        for (name, twin, _), plain, ours in zip(rows[::2], endings[::2], endings[1::2], strict=True):
            if verbose:
                print(ours.stderr)
            wrong = disagreements(BY_NAME[name], twin, plain, ours, Path(folder))
            if wrong:
                found[f"{name}{' (twin)' if twin else ''}"] = wrong
    return found


def main(parts: list[str]) -> int:
    chosen = [f for f in FEATURES if not parts or any(fnmatch.fnmatch(f.name, f"*{part}*") for part in parts)]
    found = check(chosen, verbose=bool(parts) and len(chosen) < 3)
    for name, wrong in found.items():
        print(f"-- {name}")
        for text in wrong:
            print(f"     {text}")
    print(f"{2 * len(chosen) - len(found)} of {2 * len(chosen)} as declared")
    return int(bool(found))


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
