"""Writes the generated pages: the rules, the command line, the table of what is supported, and the reports of the examples."""

from __future__ import annotations

import importlib.util
import inspect
import os
import subprocess
import sys
from pathlib import Path

import click

from gradcheck_freeze.cli import command
from gradcheck_freeze.rules.table import RULES

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"
REPORTS = ROOT / "examples" / "reports"

# Report → the example and the options it is made with.
RUNS = {
    "story_leak": ("story_leak.py",),
    "story_leak_by_contract": ("--frozen", "encoder", "story_leak.py"),
    "story_detached": ("story_detached.py",),
    "story_no_grad": ("story_no_grad.py",),
    "story_right": ("story_right.py",),
}

_SUPPORT = """\
# What of torch is supported

Made from the programs in `tests/support/programs`, with torch 2.13.0 on CPU. Each feature has one there, which is run with and without
the tool: it prints the same and leaves the same weights, optimizer states and random states, to the bit. The program has a
fault on each side of the feature, and a twin without them.

- **traced**: the faults are found with their lines, those inside the feature included where its program has one, and the twin is left alone.
- **gap**: the report states under "not seen" what was watched from outside only, and the faults around it are found. The twin is
  left alone here, too.

In both, which parameter got gradient and which was moved does not depend on the trace: it is the engine's own word, and is held
against PyTorch's in every run.
"""


def pages() -> dict[Path, str]:
    """Return every generated page by its path."""
    rows = [
        f"| [{rule.code}]({rule.code}.md) | {rule.name} | {rule.kind} | {rule.severity.word} | {rule.summary} |"
        for rule in RULES
    ]
    head = ["# The rules", "", "| code | name | kind | severity | what it says |", "|---|---|---|---|---|"]
    found = {DOCS / "rules" / "index.md": "\n".join([*head, *rows, ""])}
    for rule in RULES:
        title = f"# {rule.code} {rule.name}\n\nKind: {rule.kind}. Severity: {rule.severity.word}.\n\n"
        found[DOCS / "rules" / f"{rule.code}.md"] = title + rule.page + "\n"
    found[DOCS / "cli.md"] = "# The command line\n\n" + "\n".join(map(_command_page, command.commands.values()))
    found[DOCS / "support.md"] = _support_page()
    return found


def _support_page() -> str:
    """Return the table of the features of torch, from the declarations that tests/support holds programs to."""
    spec = importlib.util.spec_from_file_location("features", ROOT / "tests" / "support" / "features.py")
    if spec is None or spec.loader is None:
        raise ImportError("tests/support/features.py is gone")
    declared = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = declared
    spec.loader.exec_module(declared)
    lines, found = [_SUPPORT], declared.features()
    for group in declared.GROUPS:
        lines += [f"## {group}", "", "| feature | level | what is told, or still known |", "|---|---|---|"]
        lines += [f"| {f.name} | {f.level} | {f.known} |" for f in found if f.group == group]
        lines.append("")
    return "\n".join(lines)


def _command_page(described: click.Command) -> str:
    arguments = [p for p in described.params if isinstance(p, click.Argument)]
    options = [p for p in described.params if isinstance(p, click.Option)]
    usage = ["gradcheck-freeze", described.name or "", *(["[OPTIONS]"] if options else [])]
    usage += [(a.name or "").upper() if a.required else f"[{(a.name or '').upper()}]" for a in arguments]
    lines = [f"## {described.name}", "", f"    {' '.join(usage)}", "", inspect.cleandoc(described.help or ""), ""]
    if options:
        lines += ["| option | meaning |", "|---|---|"]
        lines += [f"| {', '.join(f'`{name}`' for name in o.opts)}{_choices(o)} | {o.help} |" for o in options]
        lines.append("")
    return "\n".join(lines)


def _choices(option: click.Option) -> str:
    return f" {', '.join(option.type.choices)}" if isinstance(option.type, click.Choice) else ""


def write_report(name: str, suffixes: tuple[str, ...], folder: Path) -> None:
    """Run an example under watch and leave its reports in the folder."""
    *options, example = RUNS[name]
    outputs = [part for suffix in suffixes for part in ("-o", str(folder / f"{name}{suffix}"))]
    subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", *outputs, *options, f"examples/{example}"],
        cwd=ROOT, env={**os.environ, "OMP_NUM_THREADS": "1"}, capture_output=True, check=True,
    )  # fmt: skip


if __name__ == "__main__":
    for path, text in pages().items():
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, "utf-8")
    REPORTS.mkdir(exist_ok=True)
    for report in RUNS:
        write_report(report, (".txt", ".svg"), REPORTS)
