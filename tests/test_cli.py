"""The command behaves as Python does around the program, and ends with its documented status."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest

ENVIRONMENT = {**os.environ, "OMP_NUM_THREADS": "1"}
TRICKY = {
    "status": "import sys\nprint('x')\nsys.exit(3)\n",
    "message": "import sys\nsys.exit('stopped')\n",
    "raises": "def f():\n    raise ValueError('no')\ntry:\n    f()\nexcept ValueError as e:\n    raise RuntimeError('two') from e\n",
    "arguments": "import sys\nprint(sys.argv, sys.path[0] == __file__.rpartition('/')[0], __name__, __spec__)\n",
    "pickles": "import pickle\nclass A:\n    pass\nprint(type(pickle.loads(pickle.dumps(A()))) is A)\n",
    "atexit": "import atexit\natexit.register(print, 'bye')\nprint('hi')\n",
    "spawns": (
        "import multiprocessing as mp\ndef f(x):\n    return x + 1\n"
        "if __name__ == '__main__':\n    with mp.get_context('spawn').Pool(1) as p:\n        print(p.map(f, [1, 2]))\n"
    ),
    "own_click": "import click, networkx\nprint(click.mine, networkx.mine)\n",
    "interrupt": "import os, signal\nprint('a', flush=True)\nos.kill(os.getpid(), signal.SIGINT)\nimport time\ntime.sleep(5)\n",
}


def both(script: Path, *arguments: str) -> tuple[subprocess.CompletedProcess[str], subprocess.CompletedProcess[str]]:
    plain, ours = (
        subprocess.run(
            [sys.executable, *tool, str(script), *arguments],
            cwd=script.parent, env=ENVIRONMENT, capture_output=True, text=True, check=False, timeout=120,
        )
        for tool in ((), ("-m", "gradcheck_freeze", "run", "--fail-on", "never"))
    )  # fmt: skip
    return plain, ours


@pytest.mark.parametrize("name", sorted(TRICKY))
def test_a_program_behaves_as_under_python(name: str, tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(TRICKY[name])
    if name == "own_click":
        (tmp_path / "click.py").write_text("mine = 'mine'\n")
        (tmp_path / "networkx.py").write_text("mine = 'mine too'\n")
    plain, ours = both(script, "--help", "--", "-x")
    assert ours.stdout == plain.stdout
    assert ours.returncode == plain.returncode
    assert ours.stderr.startswith(plain.stderr)
    assert name != "interrupt" or plain.returncode == -signal.SIGINT


def test_a_run_without_backward_has_status_four_and_says_what_to_check(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text("import torch\nprint(torch.ones(2).sum().item())\n")
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", str(script)],
        env=ENVIRONMENT,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 4
    assert "no backward pass was recorded" in done.stderr


def test_what_was_watched_is_reported_when_the_script_raises(tmp_path: Path) -> None:
    script = tmp_path / "program.py"
    script.write_text(
        "import torch\nnet = torch.nn.Linear(2, 1)\nopt = torch.optim.SGD(net.parameters(), lr=0.1)\n"
        "net(torch.ones(1, 2)).sum().backward()\nopt.step()\nraise KeyError('stop')\n"
    )
    report = tmp_path / "report.json"
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "run", "-o", str(report), str(script)],
        env=ENVIRONMENT, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 1
    assert "KeyError: 'stop'" in done.stderr
    assert '"net.weight"' in report.read_text()
    assert "gradcheck_freeze/" not in done.stderr


@pytest.mark.parametrize(
    ("arguments", "text"),
    [
        (("run", "nowhere.py"), "no such file"),
        (("run", "-o", "report.xyz", "nowhere.py"), "names no known format"),
        (("explain", "GF20"), "Nearest"),
        (("run", "--unknown", "nowhere.py"), "No such option"),
    ],
)
def test_a_call_that_cannot_be_carried_out_has_status_two(
    arguments: tuple[str, ...], text: str, tmp_path: Path
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", *arguments],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert text in done.stderr
    assert "Traceback" not in done.stderr


def test_help_loads_no_torch() -> None:
    code = "import sys\nfrom gradcheck_freeze.cli import command\ntry:\n    command(['--help'])\nfinally:\n    assert 'torch' not in sys.modules\n"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, check=False).returncode == 0


def test_a_saved_report_becomes_every_other_format_without_torch(tmp_path: Path) -> None:
    example = Path(__file__).parents[1] / "examples" / "story_detached.py"
    outputs = [option for name in ("run.json", "run.txt", "run.dot") for option in ("-o", str(tmp_path / name))]
    run = [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", *outputs, str(example)]
    subprocess.run(run, env=ENVIRONMENT, capture_output=True, check=True, timeout=120)
    again = (
        "import sys\nsys.modules['torch'] = None\nfrom gradcheck_freeze.cli import command\n"
        "command.main(sys.argv[1:], standalone_mode=True)\n"
    )
    for name in ("run.json", "run.txt", "run.dot"):
        made = subprocess.run(
            [sys.executable, "-c", again, "report", str(tmp_path / "run.json"), "-o", str(tmp_path / f"again-{name}")],
            capture_output=True, text=True, check=False, timeout=60,
        )  # fmt: skip
        assert made.returncode == 0, made.stderr
        assert (tmp_path / f"again-{name}").read_bytes() == (tmp_path / name).read_bytes()


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["none.json"], "could not be read"),
        (["--format", "docx", "none.json"], "'docx' is no format"),
        (["-o", "x.docx", "none.json"], "names no known format"),
    ],
)
def test_a_report_that_cannot_be_made_is_a_usage_error(options: list[str], said: str) -> None:
    made = subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", "report", *options], capture_output=True, text=True, check=False
    )
    assert (made.returncode, made.stdout) == (2, "")
    assert said in made.stderr
    assert "Traceback" not in made.stderr


SAVED = (
    "import torch\nnet = torch.nn.Linear(2, 1)\noptimizer = torch.optim.SGD(net.parameters(), 0.1)\n"
    "loss = net(torch.ones(1, 2)).sum()\nloss.backward()\noptimizer.step()\n"
)


@pytest.fixture
def saved(tmp_path: Path) -> Path:
    """Return a folder with a saved report that holds one error: what must stay frozen is moved."""
    (tmp_path / "train.py").write_text(SAVED)
    done = report(tmp_path, "run", "--frozen", "net", "-o", "report.json", "train.py")
    assert (tmp_path / "report.json").is_file(), done.stderr
    return tmp_path


def report(folder: Path, *arguments: str, **environment: str) -> subprocess.CompletedProcess[str]:
    kept = {k: v for k, v in ENVIRONMENT.items() if not k.startswith(("GITHUB_", "CI_"))}
    return subprocess.run(
        [sys.executable, "-m", "gradcheck_freeze", *arguments],
        cwd=folder, env={**kept, **environment}, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip


def test_report_links_to_the_repository_that_the_environment_names(saved: Path) -> None:
    names = {"GITHUB_SERVER_URL": "https://github.com", "GITHUB_REPOSITORY": "o/r", "GITHUB_SHA": "abc"}
    done = report(saved, "report", "report.json", "--format", "markdown", GITHUB_WORKSPACE=str(saved.parent), **names)
    assert f"](https://github.com/o/r/blob/abc/{saved.name}/train.py#L" in done.stdout
    assert "](http" not in report(saved, "report", "report.json", "--format", "markdown").stdout
    done = report(saved, "report", "report.json", "--format", "github", GITHUB_WORKSPACE=str(saved.parent), **names)
    assert f"file={saved.name}/train.py,line=" in done.stdout


def test_report_and_run_append_to_the_summary_of_the_job(saved: Path) -> None:
    summary = saved / "summary.md"
    summary.write_text("before\n")
    done = report(saved, "report", "report.json", "-o", "a.md", GITHUB_STEP_SUMMARY=str(summary))
    assert (done.returncode, done.stderr) == (0, "")
    assert summary.read_text() == "before\n\n" + (saved / "a.md").read_text()
    report(saved, "run", "--frozen", "net", "train.py", GITHUB_STEP_SUMMARY=str(summary))
    assert summary.read_text().count("<!-- gradcheck-freeze:train.py -->") == 1, "the same report stands there already"


def test_summary_that_cannot_be_written_changes_nothing_but_is_told(saved: Path) -> None:
    done = report(saved, "report", "report.json", "-o", "a.md", GITHUB_STEP_SUMMARY=str(saved))
    assert done.returncode == 0
    assert done.stderr.startswith(f"gradcheck-freeze: the job summary {str(saved)!r} could not be written")
    assert (saved / "a.md").is_file()


def test_format_names_the_code_quality_report_whatever_its_suffix(saved: Path) -> None:
    report(saved, "report", "report.json", "--format", "gitlab", "-o", "gl-code-quality-report.json")
    assert '"check_name"' in (saved / "gl-code-quality-report.json").read_text()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs a full device")
def test_full_standard_output_or_error_is_told_and_the_files_are_written(saved: Path) -> None:
    with Path("/dev/full").open("w") as full:
        command = [sys.executable, "-m", "gradcheck_freeze"]
        printed = subprocess.run(
            [*command, "report", "report.json"], cwd=saved, stdout=full, stderr=subprocess.PIPE, text=True, check=False
        )
        run = subprocess.run(
            [*command, "run", "--fail-on", "never", "-o", "b.json", "train.py"], cwd=saved, stderr=full, check=False
        )
    assert printed.stderr == "gradcheck-freeze: the report could not be printed: No space left on device.\n"
    assert (printed.returncode, run.returncode) == (2, 2)
    assert (saved / "b.json").is_file()


def test_files_of_a_run_are_written_when_nobody_reads_the_report(saved: Path) -> None:
    script = f"{sys.executable} -m gradcheck_freeze run --fail-on never -o c.json train.py 2>&1 | true; echo ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", script], cwd=saved, capture_output=True, text=True, check=False)
    assert done.stdout == "0\n"
    assert (saved / "c.json").is_file()


def test_names_in_an_error_are_shown_and_not_obeyed(saved: Path) -> None:
    done = report(saved, "run", "--frozen", "x\x1b[31m\n::error::y\n##[error]z", "train.py")
    assert done.returncode == 2
    assert "\x1b" not in done.stderr
    assert not [line for line in done.stderr.splitlines() if line.lstrip().startswith("::") or "##[" in line]
