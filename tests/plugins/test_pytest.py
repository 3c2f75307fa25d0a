"""The pytest plugin, in sessions of pytest that are run from here."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from torch import nn

from gradcheck_freeze.errors import ContractError
from gradcheck_freeze.plugins.assertion import assert_flow
from gradcheck_freeze.plugins.entries import file_name

pytest_plugins = ["pytester"]

# By its module, whether or not the package under test is installed with its entry points.
PLUGIN = ("-p", "no:gradcheck_freeze", "-p", "gradcheck_freeze.plugins.pytest", "-p", "no:cacheprovider")
NETWORKS = """
import pytest
import torch
from torch import nn

def networks():
    torch.manual_seed(0)
    return nn.Sequential(nn.Linear(8, 4), nn.Tanh()), nn.Sequential(nn.Linear(4, 8), nn.Tanh())

def train(encoder, generator, optimizer, cut=False, steps=1):
    for _ in range(steps):
        X = encoder(torch.randn(3, 8)).detach()
        Z = encoder(generator(X))
        if cut:
            Z = Z.detach()  # the cut
        loss = (Z - X).square().mean() + encoder(torch.ones(2, 8)).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

def both(encoder, generator):
    return torch.optim.Adam([*encoder.parameters(), *generator.parameters()])

def frozen(encoder, generator):
    encoder.requires_grad_(False)
    return torch.optim.Adam(generator.parameters())
"""


@pytest.fixture(scope="module", autouse=True)
def loaded() -> None:
    """Load all that torch and this package load late: a session within this process forgets what it was first to import."""
    network = nn.Linear(2, 1)
    assert_flow(network, lambda: network(torch.ones(1, 2)).sum(), optimizer=torch.optim.SGD(network.parameters()))
    import gradcheck_freeze.report.html  # noqa: F401


@pytest.fixture
def session(pytester: pytest.Pytester):
    """Return what runs a file of tests in this process."""

    def run(tests: str, *options: str, **files: str) -> pytest.RunResult:
        pytester.makepyfile(test_it=NETWORKS + tests, **files)
        return pytester.runpytest_inprocess(*PLUGIN, *options)

    return run


FIXTURE = """
def test_step(gradient_flow):
    encoder, generator = networks()
    optimizer = both(encoder, generator)
    with gradient_flow({terms}) as flow:
        train(encoder, generator, optimizer, cut={cut})
    assert flow.diagnosis.parameters["generator.0.weight"].state == "learning"
    assert encoder[0].weight.grad is not None
"""


def test_a_watched_block_fails_with_the_finding_the_line_and_the_names_of_the_test(session) -> None:
    result = session(FIXTURE.format(terms="", cut=True))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(
        [
            ">       with gradient_flow() as flow:",
            "E       AssertionError: BLOCKED * generator  (1 error)",
            "E       error GF201 detached-path",
            "E         --> test_it.py:* in train",
            "E         > * |     Z = Z.detach()  # the cut",
            "E         fix: *",
            "test_it.py:*: AssertionError",
        ]
    )
    assert "plugins/window.py" not in result.stdout.str()


def test_a_watched_block_that_is_right_passes_and_gives_its_diagnosis(session) -> None:
    session(FIXTURE.format(terms="", cut=False)).assert_outcomes(passed=1)


def test_a_watched_block_is_held_against_its_own_contract(session) -> None:
    result = session(FIXTURE.format(terms='frozen="encoder"', cut=False))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: LEAK * encoder  (1 error)"])


def test_a_pattern_of_a_block_that_names_nothing_fails_with_the_nearest_names(session) -> None:
    result = session(FIXTURE.format(terms='frozen=["encodr"]', cut=False))
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       *ContractError: --frozen 'encodr' matches no parameter*", "E *encoder*"])
    assert "plugins/window.py" not in result.stdout.str()


def test_a_watched_block_without_a_backward_fails(session) -> None:
    result = session("def test_it(gradient_flow):\n    with gradient_flow():\n        networks()\n")
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["E       AssertionError: no backward pass was seen*"])


def test_a_test_that_fails_itself_keeps_its_failure_and_what_was_found_stands_below(session) -> None:
    tests = """
def test_block(gradient_flow):
    encoder, generator = networks()
    with gradient_flow():
        train(encoder, generator, both(encoder, generator), cut=True)
        assert 1 == 2

def test_whole():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator), cut=True)
    raise KeyError("its own")
"""
    result = session(tests, "--gradcheck-freeze")
    result.assert_outcomes(failed=2)
    result.stdout.fnmatch_lines(
        ["E           assert 1 == 2", "*- gradcheck-freeze -*", "error GF201 *", "E       KeyError: 'its own'"]
    )
    result.stdout.fnmatch_lines(["FAILED *test_block - *assert 1 == 2", "FAILED *test_whole - KeyError: 'its own'"])


WHOLE = """
def test_cut():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator), cut=True)

def test_right():
    encoder, generator = networks()
    train(encoder, generator, frozen(encoder, generator))

def test_without_training():
    assert torch.ones(1).item() == 1
"""


def test_nothing_is_watched_without_being_asked(session) -> None:
    result = session(WHOLE)
    result.assert_outcomes(passed=3)
    assert "GF" not in result.stdout.str()


def test_every_test_is_watched_on_request_and_the_summary_tells(session) -> None:
    result = session(WHOLE, "--gradcheck-freeze")
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(
        [
            "gradcheck-freeze: BLOCKED * generator  (1 error)",
            "*= gradcheck-freeze =*",
            "test_it.py::test_cut: BLOCKED * generator  (1 error)",
            "  error GF201 detached-path: generator, test_it.py:*",
            "1 watched training with nothing to report",
        ]
    )


@pytest.mark.parametrize("how", ["option", "ini"])
def test_findings_below_the_level_are_told_and_fail_nothing(session, pytester: pytest.Pytester, how: str) -> None:
    if how == "ini":
        pytester.makeini("[pytest]\ngradcheck_freeze = true\ngradcheck_freeze_fail_on = never\n")
    result = session(WHOLE, *(["--gradcheck-freeze", "--gradcheck-freeze-fail-on=never"] if how == "option" else []))
    result.assert_outcomes(passed=3)
    result.stdout.fnmatch_lines(["  error GF201 detached-path: generator, test_it.py:*"])


def test_a_marker_watches_its_test_with_its_contract(session) -> None:
    tests = """
@pytest.mark.gradient_flow(frozen=["encoder"])
@pytest.mark.parametrize("right", [True, False])
def test_it(right):
    encoder, generator = networks()
    train(encoder, generator, (frozen if right else both)(encoder, generator))

@pytest.mark.gradient_flow
def test_does_nothing():
    pass

@pytest.mark.gradient_flow(frozn=["encoder"])
def test_misspelt():
    pass
"""
    result = session(tests, "--strict-markers")
    result.assert_outcomes(passed=1, failed=2, errors=1)
    result.stdout.fnmatch_lines(["*@pytest.mark.gradient_flow got an unexpected keyword argument 'frozn'*"])
    result.stdout.fnmatch_lines(["*LEAK * encoder  (1 error)", "*no backward pass was seen*"])


def test_the_contract_of_the_project_holds_where_it_fits(session, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml(
        '[tool.gradcheck-freeze]\nfrozen = ["encoder", "of_another_test"]\n'
        '[tool.gradcheck-freeze.loss.loss_of_another]\nfrozen = ["generator"]\n'
    )
    tests = """
def test_leak():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator))

def test_other_names():
    one, two = networks()
    train(one, two, both(one, two))
    del one, two
"""
    result = session(tests, "--gradcheck-freeze", "-k", "test_leak")
    result.assert_outcomes(failed=1, deselected=1)
    result.stdout.fnmatch_lines(["gradcheck-freeze: LEAK * encoder  (1 error)"])


def test_settings_that_cannot_be_obeyed_end_the_session_as_a_usage_error(session, pytester: pytest.Pytester) -> None:
    pytester.makepyprojecttoml("[tool.gradcheck-freeze]\nfrozn = []\n")
    result = session(WHOLE, "--gradcheck-freeze")
    assert result.ret == pytest.ExitCode.USAGE_ERROR
    result.stderr.fnmatch_lines(["*has no key 'frozn'*"])


def test_tests_of_every_kind_are_watched(session) -> None:
    tests = '''
import unittest

class TestCase(unittest.TestCase):
    def setUp(self):
        self.encoder, self.generator = networks()

    def test_cut(self):
        train(self.encoder, self.generator, both(self.encoder, self.generator), cut=True)

    def test_its_own(self):
        train(self.encoder, self.generator, both(self.encoder, self.generator), cut=True)
        self.fail("its own")

def documented():
    """
    >>> encoder, generator = networks()
    >>> train(encoder, generator, both(encoder, generator), cut=True)
    """

@pytest.fixture(scope="module")
def trained():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator), cut=True)
    return encoder

def test_of_a_fixture(trained):
    assert trained

def test_of_the_same_fixture(trained):
    assert trained

@pytest.mark.xfail(strict=True)
def test_expected_to_fail():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator), cut=True)
'''
    result = session(tests, "--gradcheck-freeze", "--doctest-modules")
    result.assert_outcomes(failed=4, passed=1, xfailed=1)
    result.stdout.fnmatch_lines_random(
        [
            "E * AssertionError: its own",
            "FAILED *::test_cut - Failed: gradcheck-freeze*",
            "FAILED *test_of_a_fixture*",
            "FAILED *documented*",
        ]
    )


def test_a_fixture_that_trains_for_long_does_not_hide_what_the_test_does(session) -> None:
    tests = """
@pytest.fixture
def pair():
    encoder, generator = networks()
    train(encoder, generator, both(encoder, generator), steps=8)
    return encoder, generator

@pytest.mark.gradient_flow(steps=2)
def test_it(pair):
    encoder, generator = pair
    train(encoder, generator, both(encoder, generator), cut=True)
"""
    result = session(tests)
    result.assert_outcomes(failed=1)
    result.stdout.fnmatch_lines(["error GF201 detached-path"])


def test_what_an_assertion_tries_out_is_no_part_of_the_test_around_it(session) -> None:
    tests = """
from gradcheck_freeze.plugins.pytest import assert_flow

def test_it():
    encoder, generator = networks()
    optimizer = frozen(encoder, generator)
    assert_flow({"encoder": encoder, "generator": generator},
                lambda: (encoder(generator(torch.ones(1, 4)))).sum(), frozen=["encoder"], optimizer=optimizer)
    train(encoder, generator, optimizer)
"""
    result = session(tests, "--gradcheck-freeze", "--gradcheck-freeze-fail-on=note")
    result.assert_outcomes(passed=1)


def test_reports_are_kept_of_each_test_that_trained(session, pytester: pytest.Pytester) -> None:
    session(WHOLE, "--gradcheck-freeze", "--gradcheck-freeze-report=kept/here")
    names = ["test_it.py--test_cut", "test_it.py--test_right"]
    kept = pytester.path / "kept" / "here"
    assert sorted(p.name for p in kept.iterdir()) == sorted(n + s for n in names for s in (".html", ".json"))
    report = json.loads((kept / "test_it.py--test_cut.json").read_text("utf-8"))
    assert [finding["rule"] for finding in report["findings"]] == ["GF201"]
    assert report["script"]["path"] == "test_it.py"
    assert report["script"]["arguments"] == ["test_cut"]


def test_a_file_is_the_report_of_the_only_test_and_bears_the_name_of_one_of_several(
    session, pytester: pytest.Pytester
) -> None:
    session(WHOLE, "--gradcheck-freeze", "--gradcheck-freeze-report=flow.json", "-k", "test_cut")
    assert [path.name for path in pytester.path.glob("*.json")] == ["flow.json"]
    session(WHOLE, "--gradcheck-freeze", "--gradcheck-freeze-report=all.json")
    assert len(list(pytester.path.glob("all-test_it.py--*.json"))) == 2


def test_a_report_that_cannot_be_written_is_told_and_fails_no_test(session, pytester: pytest.Pytester) -> None:
    (pytester.path / "taken").write_text("")
    result = session(WHOLE, "--gradcheck-freeze", "--gradcheck-freeze-report=taken/below", "-k", "test_right")
    result.assert_outcomes(passed=1, deselected=2)
    result.stdout.fnmatch_lines(["not saved: *"])


def test_names_of_files_are_different_for_different_tests() -> None:
    ids = ["a.py::t[x/y]", "a.py::t[x.y]", "a.py::t[x_y]", "a.py::t", f"a.py::t[{'x' * 300}]", f"a.py::t[{'x' * 301}]"]
    assert len({file_name(test) for test in ids}) == len(ids)
    assert all(len(file_name(test)) < 140 and "/" not in file_name(test) for test in ids)


def test_a_test_among_installed_libraries_is_the_users_own(pytester: pytest.Pytester) -> None:
    folder = pytester.mkdir("site-packages")
    (folder / "test_there.py").write_text(NETWORKS + WHOLE, "utf-8")
    result = pytester.runpytest_inprocess(*PLUGIN, "--gradcheck-freeze", str(folder), "-k", "test_cut")
    result.assert_outcomes(failed=1, deselected=2)
    result.stdout.fnmatch_lines(["  --> site-packages/test_there.py:* in train"])


def test_an_error_of_our_own_fails_only_those_who_asked_for_a_verdict(session, monkeypatch) -> None:
    def broken(*_: object) -> None:
        raise RuntimeError("ours")

    monkeypatch.setattr("gradcheck_freeze.rules.windows.judge", broken)
    tests = """
def test_it():
    encoder, generator = networks()
    train(encoder, generator, frozen(encoder, generator))

@pytest.mark.gradient_flow
def test_marked():
    test_it()
"""
    result = session(tests, "--gradcheck-freeze")
    result.assert_outcomes(passed=1, failed=1)
    result.stdout.fnmatch_lines(["test_it.py::test_it: internal error while judging*"])


def test_assert_flow_says_what_was_found_with_the_line() -> None:
    encoder, generator = nn.Linear(4, 2), nn.Linear(2, 4)
    models = {"encoder": encoder, "generator": generator}

    def loss() -> torch.Tensor:
        return encoder(generator(torch.ones(1, 2))).detach().sum() + encoder(torch.ones(1, 4)).sum()  # cut

    assert_flow(models, loss, fail_on="never")
    with pytest.raises(AssertionError) as caught:
        assert_flow(models, loss)
    text = str(caught.value)
    assert text.startswith("BLOCKED ⛔ generator  (1 error)\n\nerror GF201 detached-path\n")
    assert f"> {loss.__code__.co_firstlineno + 1} |     return encoder(generator(" in text
    assert "# cut" in text
    assert "fix: " in text
    assert generator.weight.grad is None
    with pytest.raises(ContractError, match="encodr"):
        assert_flow(models, loss, frozen=["encodr"])


def test_a_session_that_never_imports_torch_does_not_pay_for_it(tmp_path: Path) -> None:
    (tmp_path / "test_it.py").write_text(
        "import sys\n\ndef test_it():\n"
        "    heavy = {'torch', 'networkx', 'rich', 'gradcheck_freeze.api', 'gradcheck_freeze.settings'}\n"
        "    assert not heavy & set(sys.modules)\n"
    )
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "no:hypothesispytest", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout


def test_torch_may_come_in_the_middle_of_a_test(tmp_path: Path) -> None:
    (tmp_path / "net.py").write_text(NETWORKS)
    (tmp_path / "test_it.py").write_text(
        "import os, sys\n\ndef test_it():\n    assert 'torch' not in sys.modules\n"
        "    from net import networks, both, train\n    encoder, generator = networks()\n"
        "    if os.fork() == 0:\n        os._exit(0)\n    os.wait()\n"
        "    train(encoder, generator, both(encoder, generator), cut=True)\n"
    )
    command = [sys.executable, "-m", "pytest", *PLUGIN, "--gradcheck-freeze", "-q"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False)
    assert "error GF201 detached-path: generator, net.py:" in done.stdout, done.stdout


def test_workers_send_what_they_found(tmp_path: Path) -> None:
    pytest.importorskip("xdist")
    (tmp_path / "test_it.py").write_text(NETWORKS + WHOLE)
    command = [sys.executable, "-m", "pytest", *PLUGIN, "-p", "xdist", "-n2", "--gradcheck-freeze"]
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, env=environment)
    assert "test_it.py::test_cut: BLOCKED" in done.stdout, done.stdout
    assert "1 watched training with nothing to report" in done.stdout
    assert "1 failed, 2 passed" in done.stdout
