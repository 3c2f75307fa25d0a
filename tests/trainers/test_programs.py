"""Trainings through Lightning, Transformers, Accelerate and PEFT, unmodified: what is said of them, and that they run as ever."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).resolve().parent
sys.path.insert(0, str(HERE))
import running  # noqa: E402
from running import harness  # noqa: E402

PROGRAMS = sorted((HERE / "programs").glob("*.py"))


@pytest.fixture(scope="module")
def runs() -> dict[str, harness.Run]:
    return {run.path.stem: run for run in harness.run_all(PROGRAMS)}


def test_every_training_gives_what_it_is_marked_with_and_the_correct_ones_nothing(runs: dict[str, harness.Run]) -> None:
    found = {name: harness.disagreements(run) for name, run in runs.items()}
    assert {name: wrong for name, wrong in found.items() if wrong} == {}


def test_every_library_has_a_correct_training_one_with_a_leak_and_one_with_a_blockage() -> None:
    for library in ("lightning", "hf", "accelerate", "peft_lora", "peft_prompt"):
        kinds = {f.kind for path in PROGRAMS if path.stem.startswith(library) for f in harness.faults(path)}
        assert kinds >= {"leak", "blockage"}, library
        assert f"{library}_clean" in {path.stem for path in PROGRAMS}


def test_every_training_ends_with_the_same_weights_as_without_the_tool(runs: dict[str, harness.Run]) -> None:
    ended = harness.forked(running.plain, PROGRAMS, [[] for _ in PROGRAMS])
    for path, alone in zip(PROGRAMS, ended, strict=True):
        assert (alone.status, len(alone.stdout.split()[-1])) == (0, 64), alone.stderr
        assert (path.stem, runs[path.stem].stdout) == (path.stem, alone.stdout)


def test_losses_and_optimizers_of_a_library_have_the_names_their_author_gave_them(runs: dict[str, harness.Run]) -> None:
    for name, run in runs.items():
        two = name == "lightning_clean_two_optimizers"
        assert [loss["name"] for loss in run.report["losses"]] == (["d_loss", "g_loss"] if two else ["loss"]), name
        assert len(run.report["optimizers"]) == 1 + two, name
        assert all(p["name"].startswith("model.") for p in run.report["parameters"]), name


def test_a_loss_that_the_trainer_differentiates_is_at_the_line_that_computed_it(runs: dict[str, harness.Run]) -> None:
    for name, text in {
        "lightning_clean": "loss = F.cross_entropy(self(x), y)",
        "hf_blockage_detach": "loss = torch.nn.functional.cross_entropy(logits, labels)",
    }.items():
        assert runs[name].report["losses"][0]["location"]["text"].strip() == text


def test_the_command_leaves_a_prepared_training_its_output_and_status() -> None:
    path = HERE / "programs" / "accelerate_clean.py"
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    alone, watched = (
        subprocess.run([sys.executable, *command, path], capture_output=True, text=True, env=environment, check=False)
        for command in ([], ["-m", "gradcheck_freeze", "run"])
    )
    assert (watched.returncode, watched.stdout) == (alone.returncode, alone.stdout)
    assert "every parameter learns or stays as declared" in watched.stderr
