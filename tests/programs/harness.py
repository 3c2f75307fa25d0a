"""Runs programs under the tool, as `gradcheck-freeze run` would, each in a process forked from one that has torch loaded.

`python tests/programs/harness.py FILE...` prints what the tool says of each program and holds it against the marks.

What a program is expected to show stands in the program itself, in comments that the tool never reads:

    # options: --frozen encoder           options of `run`, if any
    # expect: leak encoder.*              one line per fault: kind, and a glob over the names of the parameters at fault,
                                          or `-` for a fault that is about none
    ...
    opt.step()  # <- blame                a line that a reviewer would point at; `# <- blame 2` for the second fault

    # expect-note: GF301 netD.*           a note that is right: its rule, and a glob as above; counted with the faults

A program without `expect` must give no error and no warning, and one without `expect-note` no note.
"""

import contextlib
import fnmatch
import io
import json
import multiprocessing
import os
import re
import shlex
import sys
import tempfile
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

# What every program and every report imports; the first optimizer of a process imports torch._dynamo, in 2 s.
PRELOADED = ["torch", "torch._dynamo", "numpy", "networkx", "rich.console", "gradcheck_freeze.trace.recorder"]


@dataclass(frozen=True)
class Fault:
    """One fault that a program is said to have."""

    kind: str  # of a note the rule
    names: str  # a glob
    lines: frozenset[int]


@dataclass(frozen=True)
class Run:
    """What one program gave under the tool."""

    path: Path
    status: int
    report: dict[str, Any]
    stderr: str
    stdout: str = ""

    @property
    def loud(self) -> list[dict[str, Any]]:
        """Return the findings that are errors or warnings."""
        return [f for f in self.report.get("findings", ()) if f["severity"] in ("error", "warning")]


def options(path: Path) -> list[str]:
    """Return the options of `run` that a program asks for."""
    return [o for line in re.findall(r"^# options: (.*)$", path.read_text("utf-8"), re.M) for o in shlex.split(line)]


def faults(path: Path) -> list[Fault]:
    """Return the faults that a program is marked with."""
    text = path.read_text("utf-8")
    lines: dict[int, set[int]] = {}
    for number, line in enumerate(text.splitlines(), 1):
        for mark in re.findall(r"# <- blame((?: \d+)*)", line):
            for fault in mark.split() or ["1"]:
                lines.setdefault(int(fault), set()).add(number)
    expected = re.findall(r"^# expect(?:-note)?: (\w+) (\S+)$", text, re.M)
    return [Fault(kind, names, frozenset(lines.get(number, ()))) for number, (kind, names) in enumerate(expected, 1)]


def disagreements(run: Run) -> list[str]:
    """Return every point in which the tool's word on a program, its notes included, is not that of its marks."""
    wrong = []
    if not run.report:
        return [f"no report: {run.stderr[-400:]}"]
    wrong += [f"gap: {gap}" for gap in run.report["gaps"] if "failed" in gap]
    names = [p["name"] for p in run.report["parameters"]]
    given = run.report["findings"]
    explained: set[int] = set()
    for fault in faults(run.path):
        wanted = set(fnmatch.filter(names, fault.names))
        hits = [
            i
            for i, f in enumerate(given)
            if _kind(f) == fault.kind
            and (wanted & set(f["parameters"]) or (fault.names == "-" and not f["parameters"]))
        ]
        explained.update(hits)
        told = {name for i in hits for name in given[i]["parameters"]}
        causes = [given[i]["cause"] or {"line": None, "path": ""} for i in hits]
        if not hits:
            wrong.append(f"missed: {fault.kind} {fault.names}, wanted at {sorted(fault.lines)}")
        elif not wanted <= told:
            wrong.append(f"unnamed: {sorted(wanted - told)}")
        elif fault.lines and not any(c["line"] in fault.lines and c["path"].endswith(run.path.name) for c in causes):
            wrong.append(
                f"misplaced: {fault.names} wanted at {sorted(fault.lines)}, said {[c['line'] for c in causes]}"
            )
    for i, f in enumerate(given):
        if i not in explained:
            line = (f["cause"] or {}).get("line")
            wrong.append(f"not expected: {f['rule']} {f['severity']} line {line}: {f['message']}")
    return wrong


def _kind(finding: dict[str, Any]) -> str:
    """Return what the marks call a finding."""
    return str(finding["rule"] if finding["severity"] == "note" else finding["kind"])


def run_all(paths: Iterable[Path], given: Iterable[list[str]] | None = None) -> Iterator[Run]:
    """Run programs under the tool, in the order given, with the options given or else those they ask for."""
    paths = list(paths)
    yield from forked(_run, paths, [options(path) for path in paths] if given is None else given)


def forked(work: Callable[..., Any], *columns: Iterable[Any], workers: int = 2) -> Iterator[Any]:
    """Yield what `work` gives for each row of the columns, each in a process forked from one that has torch loaded."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload(PRELOADED)
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    with ProcessPoolExecutor(workers, mp_context=context, max_tasks_per_child=1) as pool:
        yield from pool.map(work, *columns)


def _run(path: Path, given: list[str]) -> Run:
    """Run one program in this process, which is thrown away afterwards."""
    from gradcheck_freeze.cli import command

    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder, "report.json")
        arguments = ["run", "--fail-on", "never", "-o", str(report), *given, path.name]
        out, err = io.StringIO(), io.StringIO()
        os.chdir(path.parent)
        with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            try:
                command.main(arguments, prog_name="gradcheck-freeze")
                status = 0
            except SystemExit as stop:
                status = stop.code if isinstance(stop.code, int) else 1
        text = report.read_text("utf-8") if report.exists() else "{}"
        return Run(path, status, json.loads(text), err.getvalue(), out.getvalue())


def main(paths: list[Path]) -> int:
    """Print what the tool says of each program and what of it is wrong."""
    failed = 0
    verbose = len(paths) < 4
    for run in run_all(paths):
        wrong = disagreements(run)
        failed += bool(wrong)
        if verbose:
            print(run.stderr)
        for text in wrong:
            print(f"{run.path.parent.name}/{run.path.stem}: {text}")
    print(f"{len(paths) - failed} of {len(paths)} programs as marked")
    return int(failed > 0)


if __name__ == "__main__":
    sys.exit(main([Path(argument).resolve() for argument in sys.argv[1:]]))
