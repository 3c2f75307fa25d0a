"""Windows placed in a long run, and the guard to its end; what really moved, and when, the program itself tells by `torch.equal`."""

import io
import json
import os
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

import pytest
import torch
from torch import nn

from gradcheck_freeze import watch
from gradcheck_freeze.errors import UsageError
from gradcheck_freeze.report import json as report_json
from gradcheck_freeze.report import reading
from gradcheck_freeze.settings import read_settings

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT / "tests" / "programs"), str(ROOT / "tests")]
import harness  # noqa: E402
import test_guest as guest  # noqa: E402

OPTIONS = {
    "guard": ["--guard", "--steps", "1"],
    "all": ["--after", "1", "--every", "2", "--steps", "1", "--guard"],
}
SETUP = """
    import copy, sys
    import torch
    from torch import nn
    torch.manual_seed(0)
    encoder = nn.Linear(8, 8).requires_grad_(False)
    head = nn.Linear(8, 3)
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.05)
    x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

    def train():
        loss = nn.functional.cross_entropy(head(encoder(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
"""
UNFROZEN = """
    before = encoder.weight.detach().clone()
    for step in range(1, 41):
        if step == 23:
            encoder.requires_grad_(True)  # the line
        train()
        if not torch.equal(encoder.weight, before):
            print("moved in step", step)
            before = encoder.weight.detach().clone()
"""


def script(folder: Path, *parts: str) -> Path:
    path = folder / "program.py"
    path.write_text("".join(textwrap.dedent(part) for part in parts))
    return path


def report_of(folder: Path, options: list[str], *parts: str) -> dict:
    (run,) = harness.run_all([script(folder, *parts)], [options])
    assert run.status == 0, run.stderr
    assert not [gap for gap in run.report["gaps"] if "failed" in gap]
    return {**run.report, "stderr": run.stderr}


def rules(report: dict) -> list[str]:
    return [finding["rule"] for finding in report["findings"] if finding["severity"] != "note"]


LOOP = """
    for step in range(40):
        train()
"""


@pytest.mark.parametrize(
    ("options", "stretches"),
    [
        (["--steps", "3"], [[1, 3]]),
        (["--steps", "3", "--after", "10"], [[11, 13]]),
        (["--steps", "2", "--every", "15"], [[1, 2], [16, 17], [31, 32]]),
        (["--steps", "2", "--after", "5", "--every", "15"], [[6, 7], [21, 22], [36, 37]]),
        (["--steps", "2", "--every", "2"], [[1, 40]]),
        (["--steps", "3", "--after", "39"], [[40, 40]]),
    ],
)
def test_the_steps_that_were_watched_are_those_asked_for(options, stretches, tmp_path):
    report = report_of(tmp_path, options, SETUP, LOOP)
    assert report["window"]["steps_watched"] == stretches
    assert report["window"]["steps"] == sum(last - first + 1 for first, last in stretches)
    assert rules(report) == []


def test_steps_are_counted_by_the_optimizer_that_makes_most(tmp_path):
    report = report_of(
        tmp_path,
        ["--after", "12", "--steps", "2"],
        SETUP,
        """
        encoder.requires_grad_(True)
        other = torch.optim.SGD(encoder.parameters(), lr=0.1)
        optimizer = torch.optim.SGD(head.parameters(), lr=0.1)
        for step in range(40):
            train()
            if step % 3 == 2:
                other.step()
        """,
    )
    assert report["window"]["steps_watched"] == [[13, 15]]  # `other` still steps in round 12, and in 15
    assert {o["name"]: o["steps"] for o in report["optimizers"]} == {"optimizer": 3, "other": 2}


def test_a_run_that_ends_before_the_window_opens_says_so(tmp_path):
    report = report_of(tmp_path, ["--after", "100"], SETUP, LOOP)
    assert report["window"]["steps_watched"] == []
    assert "nothing was watched: the program made 40 steps, not more than 100" in report["gaps"]


def test_what_was_declared_before_the_window_is_known_in_it(tmp_path):
    report = report_of(tmp_path, ["--after", "10", "--steps", "2"], SETUP, LOOP)
    (optimizer,) = report["optimizers"]
    assert optimizer["name"] == "optimizer"
    assert optimizer["built"]["line"] == 8
    assert {p["name"]: p["state"] for p in report["parameters"]}["encoder.weight"] == "frozen"


def test_a_loss_that_is_detached_after_the_warm_up_is_found_in_a_later_window_alone(tmp_path):
    parts = (
        SETUP,
        """
        encoder.requires_grad_(True)
        for step in range(40):
            z = encoder(x)
            if step >= 20:
                z = z.detach()
            loss = nn.functional.cross_entropy(head(z), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print("gradient:", encoder.weight.grad)
        """,
    )
    assert rules(report_of(tmp_path, ["--steps", "3"], *parts)) == []
    report = report_of(tmp_path, ["--steps", "3", "--every", "15"], *parts)
    (finding,) = report["findings"]
    assert (finding["rule"], finding["parameters"]) == ("GF201", ["encoder.bias", "encoder.weight"])
    assert finding["message"].startswith("in steps 31–33: ")
    assert finding["cause"]["text"] == "z = z.detach()"
    assert report["excerpts"]
    assert {p["state"] for p in report["parameters"] if p["name"].startswith("encoder.")} == {"BLOCKED"}
    assert rules(report_of(tmp_path, ["--steps", "2", "--after", "30"], *parts)) == ["GF201"]


@pytest.mark.parametrize(
    "options", [["--steps", "3"], ["--steps", "3", "--every", "10"], ["--after", "9", "--steps", "1"]]
)
def test_the_guard_names_the_step_and_the_line_of_an_unfreeze_outside_the_windows(options, tmp_path, capfd):
    options = [*options, "--guard", "--frozen", "encoder"]
    report = report_of(tmp_path, options, SETUP, UNFROZEN)
    (finding,) = [f for f in report["findings"] if f["severity"] == "error"]
    if "--every" in options:  # steps 21 to 23 are watched: the step that moves it is in the window
        assert finding["rule"] == "GF101"
    else:
        assert finding["rule"] == "GF116"
        assert "did until step 22, but optimizer.step() at line 15 moves it in step 23" in finding["message"]
    assert finding["cause"]["text"].endswith("# the line")
    assert report["window"]["guarded"]["last_step"] == 40


def test_without_a_contract_an_unfreeze_is_the_authors_word(tmp_path):
    report = report_of(tmp_path, ["--guard", "--steps", "3"], SETUP, UNFROZEN)
    assert report["findings"] == []
    assert report["window"]["guarded"] == {
        "parameters": 2,
        "last_step": 40,
        "changed": ["encoder.bias", "encoder.weight"],
    }


def test_a_write_by_the_program_is_found_by_the_contract_within_twice_the_steps(tmp_path):
    writing = """
    for step in range(1, 41):
        train()
        if step == 15:
            encoder.weight.data.mul_(0.5)
    """
    report = report_of(tmp_path, ["--guard", "--steps", "3", "--frozen", "encoder"], SETUP, writing)
    (finding,) = report["findings"]
    assert (finding["rule"], finding["parameters"]) == ("GF116", ["encoder.weight"])
    assert "did until step 12, but it is another after step 24" in finding["message"]
    assert report_of(tmp_path, ["--guard", "--steps", "3"], SETUP, writing)["findings"] == []


def test_what_is_written_when_the_training_is_over_is_told_and_not_judged(tmp_path):
    merged = "\nwith torch.no_grad():\n    encoder.weight += 1\n"
    report = report_of(tmp_path, ["--guard", "--steps", "3", "--frozen", "encoder"], SETUP, LOOP, merged)
    assert report["findings"] == []
    (gap,) = report["gaps"]
    assert gap.startswith("encoder.weight must stay frozen and differs at the end from what it was at step 24")


def test_what_dies_with_the_function_that_held_it_is_read_before(tmp_path):
    report = report_of(
        tmp_path,
        ["--guard", "--steps", "3", "--frozen", "encoder"],
        """
        import torch
        from torch import nn

        def main():
            encoder, head = nn.Linear(8, 8).requires_grad_(False), nn.Linear(8, 3)
            optimizer = torch.optim.SGD(head.parameters(), lr=0.05)
            for step in range(10):
                optimizer.zero_grad()
                head(encoder(torch.ones(2, 8))).sum().backward()
                optimizer.step()
            encoder.weight.data.zero_()

        main()
        """,
    )
    assert [gap for gap in report["gaps"] if gap.startswith("encoder.weight must stay frozen and differs at the end")]


def test_the_guard_goes_on_when_the_limit_of_ops_is_reached(tmp_path):
    options = ["--guard", "--max-ops", "40", "--frozen", "encoder", "--every", "4"]
    report = report_of(tmp_path, options, SETUP, UNFROZEN)
    assert rules(report) == ["GF116"]
    assert report["window"]["ops"] <= 41
    assert any("raise --max-ops" in gap for gap in report["gaps"])


@pytest.mark.parametrize(
    ("ending", "status"),
    [
        ("sys.exit(7)", 7),
        ("raise ValueError('no more')", 1),
        ("raise KeyboardInterrupt", -signal.SIGINT),
        ("", 1),
    ],
)
def test_the_guard_has_the_last_word_however_the_program_ends(ending, status, tmp_path):
    path = script(tmp_path, SETUP, UNFROZEN, f"\n{ending}\n")
    command = [sys.executable, "-m", "gradcheck_freeze", "run", "--guard", "--steps", "3", "--frozen", "encoder"]
    ended = subprocess.run(
        [*command, "-o", "r.json", path.name], cwd=tmp_path, check=False, capture_output=True, text=True
    )
    assert ended.returncode == status
    assert rules(json.loads((tmp_path / "r.json").read_text())) == ["GF116"]
    assert "steps (1–3) of program.py" in " ".join(ended.stderr.split())
    assert "guarded to step 40" in " ".join(ended.stderr.split())


INSTALLED = """
    from torch.optim import optimizer as module
    from torch.overrides import _len_torch_function_stack
    print(
        len(module._global_optimizer_pre_hooks), len(module._global_optimizer_post_hooks), _len_torch_function_stack(),
        *(sorted(
            f"{owner.__name__}.{name}"
            for owner in (torch.Tensor, torch.nn.Module, torch.optim.Optimizer, torch.utils, torch.overrides, torch.nn.Parameter,
                          torch.autograd.Function, torch.inference_mode, torch.amp.GradScaler, torch)
            for name, value in list(vars(owner).items())
            if isinstance(value, (type(train), staticmethod, classmethod))
            and "gradcheck_freeze" in getattr(value, "__func__", value).__code__.co_filename
        )),
    )
"""
BETWEEN = "Optimizer.add_param_group Tensor.requires_grad_ torch.utils.swap_tensors"


@pytest.mark.parametrize(
    ("options", "left"),
    [
        ([], "0 0 0"),
        (["--after", "5"], "0 0 0"),
        (["--guard"], f"1 1 0 {BETWEEN}"),
        (["--every", "100"], f"1 1 0 {BETWEEN}"),
        (["--after", "100"], f"1 1 0 {BETWEEN}"),
    ],
)
def test_outside_the_windows_hardly_anything_is_in_torch(options, left, tmp_path):
    path = script(tmp_path, SETUP, LOOP, INSTALLED)
    command = [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", "--steps", "3", *options]
    ended = subprocess.run([*command, path.name], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert ended.stdout.strip() == left


def test_a_step_hook_of_the_programs_own_is_called_though_the_window_closes_in_that_step(tmp_path):
    hooked = """
    from torch.optim.optimizer import register_optimizer_step_post_hook
    calls = []
    register_optimizer_step_post_hook(lambda *_: calls.append(1))
    """
    path = script(tmp_path, SETUP, hooked, LOOP, "\nprint(len(calls))\n", INSTALLED)
    command = [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", "--steps", "3"]
    ended = subprocess.run([*command, path.name], cwd=tmp_path, check=False, capture_output=True, text=True)
    assert ended.stdout.splitlines() == ["40", "0 1 0"]


SWAPS = """
    torch.__future__.set_swap_module_params_on_conversion(True)
    for step in range(6):
        train()
        if step == 3:
            encoder.double().float()
    print(encoder.weight.sum().item(), head.weight.sum().item(), torch.get_rng_state().sum().item())
"""


@pytest.mark.parametrize("options", OPTIONS.values(), ids=OPTIONS)
@pytest.mark.parametrize("name", [*sorted(guest.TRAININGS), "swaps"])
def test_a_training_ends_bit_for_bit_as_without_us_wherever_the_windows_lie(name, options, tmp_path, monkeypatch):
    head = "import torch\nfrom torch import nn\ntorch.manual_seed(0)\n"
    path = tmp_path / "training.py"
    path.write_text(
        textwrap.dedent(SETUP) + textwrap.dedent(SWAPS)
        if name == "swaps"
        else head + textwrap.dedent(guest.TRAININGS[name]).replace("range(2)", "range(5)")
    )
    popen = subprocess.Popen

    def placed(command, **given):
        return popen([*command[:-2], *(options if "gradcheck_freeze" in command else ()), *command[-2:]], **given)

    monkeypatch.setattr(subprocess, "Popen", placed)
    plain, ours = guest.digests(path, tmp_path)
    assert ours == plain


def test_a_forked_child_is_left_alone_under_guard(tmp_path):
    path = script(
        tmp_path,
        SETUP,
        LOOP,
        """
        import os
        pid = os.fork()
        if pid:
            os.waitpid(pid, 0)
        else:
            train()
        """,
        INSTALLED,
        "\nsys.stdout.flush()\npid or os._exit(0)\n",
    )
    command = [sys.executable, "-m", "gradcheck_freeze", "run", "--fail-on", "never", "--steps", "3", "--guard"]
    ended = subprocess.run(
        [*command, path.name],
        cwd=tmp_path,
        check=False,
        capture_output=True,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": "1"},
    )
    assert ended.stdout.splitlines() == ["0 0 0", f"1 1 0 {BETWEEN}"]


def test_watch_takes_the_same_placement():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(4, 4).requires_grad_(False), nn.Linear(4, 1))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = model[0].weight.detach().clone()
    with watch(model, optimizer, steps=2, after=1, every=5, guard=True, frozen=["model.0"]) as flow:
        for step in range(1, 11):
            if step == 5:
                model[0].requires_grad_(True)
            optimizer.zero_grad()
            model(torch.ones(3, 4)).sum().backward()
            optimizer.step()
            assert torch.equal(model[0].weight, before) == (step < 5)
    diagnosis = flow.diagnosis
    assert diagnosis.window.steps_watched == ((2, 3), (7, 8))
    (finding,) = [f for f in diagnosis.findings if f.rule == "GF116"]
    assert finding.parameters == ("model.0.bias", "model.0.weight")
    assert "did until step 4" in finding.message
    again = reading.parse(report_json.render(diagnosis), "r.json")
    assert again.window == diagnosis.window
    assert io.StringIO(str(diagnosis)).readline().startswith("gradcheck-freeze: LEAK")


def test_the_placement_may_stand_in_the_file_of_the_project(tmp_path):
    file = tmp_path / "pyproject.toml"
    file.write_text("[tool.gradcheck-freeze]\nafter = 0\nevery = 500\nguard = true\n")
    settings = read_settings(tmp_path, (), ())
    assert (settings.after, settings.every, settings.guard) == (0, 500, True)


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("after = -1", "after must be a whole number of at least 0, not -1"),
        ("every = 0", "every must be a whole number of at least 1, not 0"),
        ("every = true", "every must be a whole number of at least 1, not True"),
        ("guard = 1", "guard must be true or false, not 1"),
    ],
)
def test_a_placement_that_makes_no_sense_is_refused(line, said, tmp_path):
    (tmp_path / "pyproject.toml").write_text(f"[tool.gradcheck-freeze]\n{line}\n")
    with pytest.raises(UsageError, match=said):
        read_settings(tmp_path, (), ())
