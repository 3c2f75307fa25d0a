"""Writes the generated pages: the rules and their index, the command line, and the reports of the examples."""

from __future__ import annotations

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
    return found


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
