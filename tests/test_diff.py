"""What a one-line change did is said once, and a project with old findings fails for new ones only."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from gradcheck_freeze.report.reading import load

ENVIRONMENT = {
    **{key: value for key, value in os.environ.items() if not key.startswith(("GITHUB_", "CI_"))},
    "OMP_NUM_THREADS": "1",
}
PROGRAM = """\
import torch
from torch import nn

torch.manual_seed(0)
encoder = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
encoder.requires_grad_(False)
generator = nn.Sequential(nn.Linear(4, 32), nn.Tanh(), nn.Linear(32, 8))
learners = [p for p in [*encoder.parameters(), *generator.parameters()] if p.requires_grad]
optimizer = torch.optim.Adam(learners, lr=1e-2)
for step in range(3):
    X = encoder(torch.randn(64, 8))
    Z = encoder(generator(X))
    loss = (Z - X).square().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
"""
UNFROZEN = PROGRAM.replace("requires_grad_(False)", "requires_grad_(True)")
CUT = PROGRAM.replace("Z = encoder(generator(X))", "Z = encoder(generator(X)).detach().requires_grad_()")


def command(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", *arguments],
        cwd=folder, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Return a folder with the reports of the base and of two changes of it, under one contract."""
    folder = tmp_path_factory.mktemp("runs")
    (folder / "pyproject.toml").write_text('[tool.gradcheck-freeze]\nfrozen = ["encoder"]\n')
    for name, text in (("base", PROGRAM), ("unfrozen", UNFROZEN), ("cut", CUT)):
        (folder / "train.py").write_text(text)
        done = command(folder, "run", "--fail-on", "never", "-o", f"{name}.json", "train.py")
        assert (done.returncode, done.stdout) == (0, ""), done.stderr
    (folder / "train.py").write_text(UNFROZEN)
    return folder


def test_a_line_that_unfreezes_the_encoder_is_said_exactly_and_once(runs: Path) -> None:
    done = command(runs, "diff", "base.json", "unfrozen.json", "--format", "markdown")
    assert (done.returncode, done.stderr) == (1, "")
    plain = done.stdout.replace("`", "")
    said = "- encoder is now trained (212 elements): by optimizer, with the gradient of loss; before, it was frozen.\n"
    assert plain.count(said) == plain.count("encoder is now") == 1
    assert "1 new finding (1 error), 1 change of the gradient flow" in plain
    assert plain.count("New error GF101 frozen-updated") == 1
    finding = load(runs / "unfrozen.json").findings[0]
    assert plain.count(f"train.py:{finding.cause.line}") == 1
    assert finding.cause.line in (6, 8, 9)
    assert "trainable parameters: 424 → 636 elements (+212) in 4 → 8 tensors" in plain.lower()


def test_the_comment_says_it_once_too(runs: Path) -> None:
    done = command(runs, "comment", "--dry-run", "--base", "base.json", "unfrozen.json")
    assert done.returncode == 0, done.stderr
    assert done.stdout.replace("`", "").count("encoder is now trained (212 elements)") == 1


def test_the_way_back_is_a_finding_gone_and_no_failure(runs: Path) -> None:
    done = command(runs, "diff", "unfrozen.json", "base.json")
    assert (done.returncode, done.stderr) == (0, "")
    assert "encoder is now frozen (212 elements)" in done.stdout
    assert "gone: error GF101" in done.stdout


def test_every_format_is_written_and_none_half(runs: Path, tmp_path: Path) -> None:
    outputs = [part for end in ("txt", "md", "html", "json") for part in ("-o", str(tmp_path / f"diff.{end}"))]
    bad = ["-o", str(tmp_path / "no folder" / "diff.md")]
    done = command(runs, "diff", "--fail-on", "never", *bad, *outputs, "base.json", "cut.json")
    assert (done.returncode, done.stdout) == (2, "")
    assert "no folder" in done.stderr
    assert len(list(tmp_path.iterdir())) == 4
    document = json.loads((tmp_path / "diff.json").read_text())
    assert [(c["kind"], c["name"]) for c in document["changes"]] == [("blocked", "generator"), ("new", "Z")]


@pytest.mark.parametrize(("level", "status"), [("error", 1), ("note", 1), ("never", 0)])
def test_the_level_that_fails_is_chosen(level: str, status: int, runs: Path) -> None:
    assert command(runs, "diff", "--fail-on", level, "base.json", "cut.json").returncode == status
    assert command(runs, "diff", "--fail-on", level, "cut.json", "cut.json").returncode == 0


def test_a_run_with_a_baseline_fails_for_new_findings_only(runs: Path) -> None:
    new = command(runs, "run", "--baseline", "base.json", "train.py")
    assert new.returncode == 1
    assert "new: error GF101 frozen-updated: encoder" in new.stderr
    old = command(runs, "run", "--baseline", "unfrozen.json", "train.py")
    assert old.returncode == 0
    assert "GF101" in old.stderr
    assert "1 finding as before" in " ".join(old.stderr.split())
    assert "new:" not in old.stderr


@pytest.mark.parametrize("text", [None, "", "{}", '{"tool": {"name": "gradcheck-freeze"}, "schema_version": "9.0"}'])
@pytest.mark.parametrize("arguments", [("run", "--baseline", "bad.json", "train.py"), ("diff", "bad.json", "bad.json")])
def test_a_base_that_is_missing_or_broken_is_told_before_anything_runs(
    arguments: tuple[str, ...], text: str | None, tmp_path: Path
) -> None:
    (tmp_path / "train.py").write_text("print('ran')\n")
    if text is not None:
        (tmp_path / "bad.json").write_text(text)
    done = command(tmp_path, *arguments)
    assert (done.returncode, done.stdout) == (2, "")
    assert "'bad.json'" in done.stderr
    assert "Traceback" not in done.stderr


def test_a_program_beside_modules_of_our_names_runs_as_ever_with_a_baseline(runs: Path, tmp_path: Path) -> None:
    (tmp_path / "click.py").write_text("mine = 'mine'\n")
    (tmp_path / "networkx.py").write_text("mine = 'mine too'\n")
    (tmp_path / "train.py").write_text("import click, networkx\nprint(click.mine, networkx.mine)\n")
    done = command(tmp_path, "run", "--baseline", str(runs / "base.json"), "--fail-on", "never", "train.py")
    assert (done.returncode, done.stdout) == (0, "mine mine too\n")
    assert "Traceback" not in done.stderr


def test_diff_loads_no_torch(runs: Path) -> None:
    code = (
        "import sys\nsys.modules['torch'] = None\nfrom gradcheck_freeze.cli import command\ncommand.main(sys.argv[1:])"
    )
    arguments = [sys.executable, "-c", code, "diff", "base.json", "base.json"]
    done = subprocess.run(arguments, cwd=runs, env=ENVIRONMENT, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == "gradcheck-freeze diff: no change of the gradient flow\n"
