"""Whole trainings end to the byte as without us: what they print, hold, save and raise, and their random numbers."""

import os
import re
import shutil
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).resolve().parent
TRAININGS = sorted(path.stem for path in (HERE / "trainings").glob("*.py"))
TOOL = ("-m", "gradcheck_freeze", "run", "--fail-on", "never", "-o", "../report.json")
BEGINNING = """import os as _os
if __name__ == "__main__":
    import atexit as _atexit
    import ending as _ending
    _atexit.register(lambda pid=_os.getpid(): _os.getpid() == pid and _ending.write_state("state.txt"))
"""


@dataclass(frozen=True)
class End:
    """How a training ended; `report` is what we said, and empty without us."""

    status: int
    stdout: str
    stderr: str
    files: dict[str, bytes]
    report: str


def train(name: str, tool: tuple[str, ...] = ()) -> End:
    """Run one training in a folder of its own; both runs get a folder of the same name, as paths are printed."""
    with TemporaryDirectory() as above:
        folder = Path(above, "work")
        folder.mkdir()
        shutil.copy(HERE / "ending.py", folder)
        (folder / "training.py").write_text(BEGINNING + (HERE / "trainings" / f"{name}.py").read_text())
        done = subprocess.run(
            [sys.executable, *tool, "training.py"],
            cwd=folder,
            env={**os.environ, "OMP_NUM_THREADS": "1", "PYTHONHASHSEED": "0"},
            capture_output=True,
            text=True,
            timeout=120,
        )
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        report = Path(above, "report.json")
        said = report.read_text() if report.is_file() else ""
        stdout, stderr = (re.sub(re.escape(above), "ABOVE", text) for text in (done.stdout, done.stderr))
        return End(done.returncode, stdout, stderr, files, said)


@cache
def ends() -> dict[str, tuple[End, End]]:
    """Run every training without and with us, two at a time."""
    with ThreadPoolExecutor(2) as pool:
        plain, ours = pool.map(train, TRAININGS), pool.map(lambda name: train(name, TOOL), TRAININGS)
        return dict(zip(TRAININGS, zip(plain, ours, strict=True), strict=True))


def test_there_are_at_least_twenty_five_trainings() -> None:
    assert len(TRAININGS) >= 25


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_ends_to_the_byte_as_without_us(name: str) -> None:
    plain, ours = ends()[name]
    assert "state.txt" in plain.files, plain.stderr
    assert (ours.status, ours.stdout) == (plain.status, plain.stdout), ours.stderr
    assert ours.files["state.txt"].decode() == plain.files["state.txt"].decode()
    assert ours.files == plain.files


@pytest.mark.parametrize("name", TRAININGS)
def test_what_a_training_says_on_standard_error_comes_first_and_whole(name: str) -> None:
    plain, ours = ends()[name]
    assert ours.stderr.startswith(plain.stderr), ours.stderr


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_gives_one_report_in_which_nothing_failed(name: str) -> None:
    _, ours = ends()[name]
    assert '"schema_version"' in ours.report, ours.stderr
    assert "the recorder failed" not in ours.report
    assert ours.stderr.count("\ngradcheck-freeze") + ours.stderr.startswith("gradcheck-freeze") <= 1, ours.stderr
