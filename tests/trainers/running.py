"""Runs programs as Python would, each in a process forked from one that has the trainers loaded."""

import contextlib
import io
import os
import runpy
import sys
import traceback
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "programs"))
import harness  # noqa: E402

os.environ["HF_HUB_OFFLINE"] = "1"
sys.path.insert(0, str(HERE))  # the processes that run the programs look for this module by its own name
harness.PRELOADED += ["lightning.pytorch", "pytorch_lightning", "transformers", "accelerate", "peft"]


@dataclass(frozen=True)
class Ended:
    """How a program ended without the tool."""

    status: int
    stdout: str
    stderr: str


def plain(path: Path, arguments: list[str]) -> Ended:
    """Run one program in this process, which is thrown away afterwards."""
    out, err = io.StringIO(), io.StringIO()
    os.chdir(path.parent)
    sys.argv = [path.name, *arguments]
    status = 0
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
        try:
            runpy.run_path(path.name, run_name="__main__")
        except Exception:
            traceback.print_exc()
            status = 1
    return Ended(status, out.getvalue(), err.getvalue())
