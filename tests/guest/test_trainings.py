"""Whole trainings end to the byte as without us: what they print, hold, save and raise, and their random numbers."""

import atexit
import multiprocessing
import os
import re
import shutil
import sys
import warnings
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "programs"))
import harness  # noqa: E402

WITHOUT_COMPILER = set() if shutil.which("c++") or shutil.which("g++") else {"compile_inductor_opaque"}
TRAININGS = sorted({path.stem for path in (HERE / "trainings").glob("*.py")} - WITHOUT_COMPILER)
STATUS = {"exits_with_three": 3, "raises": 1}  # of all others 0
IN_CODE = {"watched_in_code"}  # where we are called by the program itself
TOOL = ("run", "--fail-on", "never", "-o", "../report.json")
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


def train(name: str, with_us: bool, action: str = "") -> End:
    """Run one training in this process, which is thrown away afterwards, with files in the place of its two streams."""
    with TemporaryDirectory() as above:
        folder = Path(above, "work")  # of the same name in both runs
        folder.mkdir()
        shutil.copy(HERE / "ending.py", folder)
        (folder / "training.py").write_text(BEGINNING + (HERE / "trainings" / f"{name}.py").read_text())
        os.chdir(folder)
        streams = Path(above, "stdout"), Path(above, "stderr")
        for number, path in enumerate(streams, 1):
            os.dup2(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND), number)
        sys.stdout, sys.stderr = (os.fdopen(number, "w", buffering=1, closefd=False) for number in (1, 2))
        multiprocessing.set_start_method(
            "fork", force=True
        )  # the default of this Python; the fork server has set its own
        warnings.resetwarnings()
        if action:
            warnings.simplefilter(action)  # type: ignore[arg-type]
        atexit._clear()
        process, status = os.getpid(), _run(name, with_us)
        if os.getpid() != process:  # a child that the training forked
            sys.stdout.flush()
            os._exit(status)
        atexit._run_exitfuncs()
        sys.stdout.flush()
        os.chdir("/")
        files = {
            str(path.relative_to(folder)): path.read_bytes()
            for path in sorted(folder.rglob("*"))
            if path.is_file() and "__pycache__" not in path.parts
        }
        report = Path(above, "report.json")
        said = report.read_text() if report.is_file() else ""
        stdout, stderr = (path.read_text().replace(above, "ABOVE") for path in streams)
        return End(status, stdout, stderr, files, said)


def _run(name: str, with_us: bool) -> int:
    from gradcheck_freeze.cli import command
    from gradcheck_freeze.trace import program

    if with_us and name in IN_CODE:
        os.environ["WATCHED_IN_CODE"] = "1"
    if not with_us or name in IN_CODE:
        return program.run(program.load("training.py", [], False), lambda: None).status
    try:
        command.main([*TOOL, *harness.options(Path("training.py")), "training.py"], prog_name="gradcheck-freeze")
    except SystemExit as stop:
        return int(stop.code or 0)
    return 0


@cache
def ends() -> dict[str, tuple[End, End]]:
    """Run every training without and with us."""
    rows = [(name, with_us) for name in TRAININGS for with_us in (False, True)]
    results = list(harness.forked(train, *zip(*rows, strict=True)))
    return dict(zip(TRAININGS, zip(results[::2], results[1::2], strict=True), strict=True))


def test_there_are_at_least_twenty_five_trainings() -> None:
    assert len(TRAININGS) >= 25


@pytest.mark.parametrize("name", TRAININGS)
def test_a_training_ends_to_the_byte_as_without_us(name: str) -> None:
    plain, ours = ends()[name]
    assert "state.txt" in plain.files, plain.stderr
    assert plain.status == STATUS.get(name, 0), plain.stderr
    assert (ours.status, ours.stdout) == (plain.status, plain.stdout), ours.stderr
    assert ours.files["state.txt"].decode() == plain.files["state.txt"].decode()
    assert ours.files == plain.files


@pytest.mark.parametrize("name", TRAININGS)
def test_what_a_training_says_on_standard_error_comes_first_and_whole(name: str) -> None:
    plain, ours = ends()[name]
    assert ours.stderr.startswith(plain.stderr), (plain.stderr, ours.stderr)


@pytest.mark.parametrize("name", sorted(set(TRAININGS) - IN_CODE))
def test_a_training_gives_one_report_in_which_nothing_failed(name: str) -> None:
    _, ours = ends()[name]
    assert '"schema_version"' in ours.report, ours.stderr
    assert "the recorder failed" not in ours.report
    assert len(re.findall("^gradcheck-freeze: ", ours.stderr, re.M)) == 1, ours.stderr


@pytest.mark.parametrize("action", ["once", "always", "module", "default", "error"])
def test_warnings_name_the_lines_that_they_name_without_us_and_are_shown_as_often(action: str) -> None:
    plain, ours = harness.forked(train, ["warns"] * 2, [False, True], [action] * 2)
    assert "Warning" in plain.stderr
    assert ours.stderr.startswith(plain.stderr), (plain.stderr, ours.stderr)
    assert (ours.status, ours.stdout) == (plain.status, plain.stdout)
