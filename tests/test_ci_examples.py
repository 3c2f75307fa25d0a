"""The workflows that users copy: valid YAML, commands that exist with these options, and no way in for a fork."""

import re
import shlex
import subprocess
import sys
from itertools import pairwise
from pathlib import Path
from typing import Any

import click
import pytest
import yaml

from gradcheck_freeze.cli import command
from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import files
from gradcheck_freeze.report.change import files as changes

ROOT = Path(__file__).resolve().parent.parent
FILES = sorted((ROOT / "examples" / "ci").rglob("*.yml"))


def strings(value: Any) -> list[str]:
    """Return every text in a document."""
    if isinstance(value, dict):
        return [text for part in value.values() for text in strings(part)]
    if isinstance(value, list):
        return [text for part in value for text in strings(part)]
    return [value] if isinstance(value, str) else []


def calls(path: Path) -> list[list[str]]:
    """Return every call of the command in a file, as the shell splits it."""
    if path.suffix == ".md":
        lines = re.findall(r"^    (gradcheck-freeze .*?)(?:#.*)?$", path.read_text("utf-8"), re.MULTILINE)
    else:
        text = "\n".join(strings(yaml.safe_load(path.read_text("utf-8")))).replace("\\\n", " ")
        lines = re.findall(r"^\s*(gradcheck-freeze .*)$", text, re.MULTILINE)
    return [shlex.split(line)[1:] for line in lines]


def names_a_format(name: str, path: str) -> bool:
    try:
        (changes if name == "diff" else files).format_of(path)
    except UsageError:
        return False
    return True


def test_there_are_workflows_for_both_hosts() -> None:
    assert [path.parent.name for path in FILES] == ["github", "github", "gitlab"]


@pytest.mark.parametrize("path", [*FILES, ROOT / "docs" / "ci.md"], ids=lambda path: path.name)
def test_every_command_exists_with_its_options(path: Path) -> None:
    found = calls(path)
    assert found
    for name, *arguments in found:
        filled = ["base.json" if part == "$SIDE.json" else part for part in arguments]
        context = command.commands[name].make_context(name, filled)  # raises for what does not exist
        for output in context.params.get("outputs", ()):
            assert names_a_format(name, output), output


def test_a_command_with_an_option_that_does_not_exist_is_found() -> None:
    with pytest.raises(click.NoSuchOption):
        command.commands["diff"].make_context("diff", ["--nothing", "a.json", "b.json"])


@pytest.mark.parametrize("path", FILES[:2], ids=lambda path: path.name)
def test_nothing_of_an_event_is_pasted_into_a_shell(path: Path) -> None:
    for job in yaml.safe_load(path.read_text("utf-8"))["jobs"].values():
        for step in job["steps"]:
            assert "${{" not in step.get("run", "")


def test_the_job_that_runs_code_of_a_fork_has_no_secret_and_writes_no_comment() -> None:
    text = next(path for path in FILES if path.name == "gradient-flow.yml").read_text("utf-8")
    document = yaml.safe_load(text)
    assert document[True] == "pull_request"  # YAML reads the key `on` as true
    assert document["permissions"] == {"contents": "read"}
    assert "permissions" not in document["jobs"]["watch"]
    assert "secrets." not in text
    assert "github.token" not in text


def test_the_job_that_comments_runs_nothing_of_the_pull_request() -> None:
    document = yaml.safe_load(next(p for p in FILES if p.name == "gradient-flow-comment.yml").read_text("utf-8"))
    watching = yaml.safe_load(next(p for p in FILES if p.name == "gradient-flow.yml").read_text("utf-8"))
    assert document[True]["workflow_run"]["workflows"] == [watching["name"]]
    assert document["permissions"] == {"actions": "read", "pull-requests": "write"}
    steps = document["jobs"]["comment"]["steps"]
    assert not any("checkout" in step.get("uses", "") for step in steps)
    [download] = [step["with"] for step in steps if "download-artifact" in step.get("uses", "")]
    assert download["path"] == "reports"


def test_what_the_comparing_job_uploads_is_what_its_commands_write() -> None:
    path = next(p for p in FILES if p.name == "gradient-flow.yml")
    steps = yaml.safe_load(path.read_text("utf-8"))["jobs"]["compare"]["steps"]
    uploaded = {step["with"]["path"] for step in steps if "upload-artifact" in step.get("uses", "")}
    assert uploaded == {"gradient-flow.html", "gradient-flow-diff.html"}
    assert uploaded <= {output for _, *rest in calls(path) for flag, output in pairwise(rest) if flag == "-o"}


def test_the_packages_that_the_light_jobs_install_are_enough(tmp_path: Path) -> None:
    text = "\n".join(path.read_text("utf-8") for path in FILES)
    installed = [set(line.split()) for line in re.findall(r"--no-deps gradcheck-freeze && pip install (.*)", text)]
    assert len(installed) == 3
    declared = re.search(r"^dependencies = \[(.*?)^\]", (ROOT / "pyproject.toml").read_text("utf-8"), re.S | re.M)
    assert declared
    every = set(re.findall(r'"([\w-]+)', declared[1]))
    assert "torch" in every
    report = tmp_path / "report.json"
    run = [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", "-o", str(report), "story_right.py"]
    subprocess.run(run, cwd=ROOT / "examples", check=True, capture_output=True, timeout=120)
    for packages in installed:
        missing = sorted(name.replace("-", "_") for name in every - packages)
        code = f"import sys\nfor name in {missing}: sys.modules[name] = None\n"
        code += "from gradcheck_freeze.cli import command\ncommand.main(sys.argv[1:])"
        for arguments in (["diff", str(report)], ["comment", "--dry-run", "--base", str(report)]):
            done = subprocess.run(
                [sys.executable, "-c", code, *arguments, str(report)], capture_output=True, text=True, check=False
            )
            assert (done.returncode, done.stderr) == (0, "")
