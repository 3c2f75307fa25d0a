"""Many ranks make one report: the merge, what is lost and told, who reports, and the rules that compare ranks."""

import json
import os
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import networkx as nx
import pytest

from gradcheck_freeze.errors import GradcheckFreezeError, UsageError
from gradcheck_freeze.ranks import gather, part
from gradcheck_freeze.ranks.merge import accepted
from gradcheck_freeze.ranks.part import Part
from gradcheck_freeze.report.json import render
from gradcheck_freeze.report.reading import parse
from gradcheck_freeze.rules.across import Word, called
from gradcheck_freeze.rules.diagnosis import Diagnosis, ParameterRecord, Window
from gradcheck_freeze.rules.finding import Finding, Location, Severity
from gradcheck_freeze.rules.ignores import parse_ignore_options

HERE = Path(__file__).resolve().parent.parent
SOURCE = HERE.parent / "src"


def word(*held: str, requires_grad: bool = True, updated: bool = True, spread: str = "", steps: int = 3) -> Word:
    prints = tuple(("0", step, value) for step, value in enumerate(held))
    return Word((4, 4), requires_grad, True, updated, "finite", spread, prints, steps)


def said(rank: int, words: dict[str, Word], world_size: int = 2, **more: object) -> Part:
    return replace(Part("run", rank, world_size, time.time(), 0, words, {}, (), ()), **more)  # type: ignore[arg-type]


def plain(count: int = 1) -> Diagnosis:
    records = {
        n: ParameterRecord(
            n, (), "parameter", "m", (4, 4), "float32", 16, True, (), "finite", 1.0, True, 0.1, (), "learning", None
        )
        for n in (f"m.layer{i}.weight" for i in range(count))
    }
    return Diagnosis((), records, (), (), nx.DiGraph(), Window(1, 1, 1, "the program ended"))


def fault(line: int, *names: str) -> Finding:
    where = Location("train.py", line, line, "f", "x")
    return Finding("GF201", "detached-path", "blockage", Severity.ERROR, names, names[0], "is cut off.", where)


def merged(*parts: Part) -> Diagnosis:
    return gather.merge(parts, plain(), parts[0].world_size)


def test_what_all_ranks_find_is_one_finding_with_the_union_of_its_parameters() -> None:
    found = merged(said(0, {}, findings=(fault(3, "a"),)), said(1, {}, findings=(fault(3, "b"),)))
    assert [(f.parameters, f.ranks, f.message) for f in found.findings] == [(("a", "b"), (), "is cut off.")]


def test_what_some_ranks_find_names_them_in_the_message_and_in_json_that_is_read_again() -> None:
    found = merged(*(said(r, {}, 4, findings=(fault(3, "a"),) if r == 2 else ()) for r in range(4)))
    assert found.findings[0].message.startswith("On rank 2 only, of 4: ")
    again = parse(render(found), "report")
    assert (again.findings[0].ranks, again.ranks) == ((2,), found.ranks)


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (word("a", "b"), word("a", "b"), []),
        (word("a", "a", requires_grad=False, updated=False), word("a", "b"), ["GF401"]),
        (word("a", "a", updated=False), word("a", "b"), ["GF401"]),
        (word("a", "b"), word("a", "c"), ["GF402"]),
        (word("a", "b"), word("x", "c"), []),  # experts and stages differ from the start
        (word("a", "b", spread="sharded"), word("a", "c", spread="sharded"), []),
        (word("a", "a", updated=False, steps=0), word("a", "b"), []),  # stopped early
    ],
)
def test_what_differs_is_told_and_what_may_differ_is_not(one: Word, other: Word, expected: list[str]) -> None:
    beside = word("k", "l")  # is kept equal by something
    found = merged(said(0, {"x.w": one, "y.w": beside}), said(1, {"x.w": other, "y.w": beside}))
    assert [f.rule for f in found.findings] == expected


def test_processes_that_nothing_keeps_equal_are_left_alone() -> None:
    words = [{"x.w": word("a", f"b{r}"), "y.w": word("c", f"d{r}")} for r in range(2)]
    assert merged(said(0, words[0]), said(1, words[1])).findings == ()


def test_what_a_wrapper_was_asked_to_leave_out_is_left_alone_and_what_it_promised_is_not() -> None:
    for spread, rules in (("", []), ("replicated", ["GF402"])):
        words = [
            {"m.x": word("a", f"b{r}", spread=spread), "m.y": word("c", "d", spread="replicated")} for r in range(2)
        ]
        assert [f.rule for f in merged(said(0, words[0]), said(1, words[1])).findings] == rules


def test_damaged_foreign_second_and_missing_parts_are_told_and_the_rest_is_merged(tmp_path: Path) -> None:
    for rank in range(4):
        part.write(said(rank, {}, 5, run="run" if rank < 3 else "other"), plain(), tmp_path)
    cut = part.path_in(tmp_path, 2)
    cut.write_bytes(cut.read_bytes()[:-5])
    (tmp_path / "again.part").write_bytes(part.path_in(tmp_path, 0).read_bytes())
    (tmp_path / "noise.part").write_text("hello")
    paths = [*sorted(tmp_path.glob("rank*")), tmp_path / "again.part", tmp_path / "noise.part"]
    found, lost = gather.from_files(paths)
    assert found.ranks is not None
    assert (found.ranks.reported, found.ranks.missing) == ((0, 1), (2, 3, 4))
    assert [any(w in each for each in lost) for w in ("cut short", "another run", "second part", "is no part")] == [
        True
    ] * 4
    assert "ranks 2-4 of 5 left no report" in found.gaps


def test_a_thousand_parts_are_merged_in_bounded_memory_and_without_torch(tmp_path: Path) -> None:
    names = list(plain(300).parameters)
    for rank in range(1000):
        words = {n: word("a" + n, "b" + n, "c" + n, requires_grad=rank != 7 or n != names[5]) for n in names}
        part.write(said(rank, words, 1000, findings=tuple(fault(i, f"p{i}") for i in range(4))), plain(), tmp_path)
    code = (
        "import sys; from pathlib import Path; from gradcheck_freeze.ranks.gather import from_files;"
        "d,l=from_files([Path(sys.argv[1])]); print(len(l), len(d.findings), d.findings[-1].ranks, 'torch' in sys.modules,"
        "Path('/proc/self/status').read_text().partition('VmHWM:')[2].split()[0])"  # not what the parent held
    )
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], capture_output=True, text=True, check=True)
    assert done.stdout.startswith("0 5 (7,) False")
    assert int(done.stdout.split()[-1]) < 600_000


def test_a_folder_that_cannot_be_written_is_an_error_of_ours_with_its_reason(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(GradcheckFreezeError, match="rank 0 could not leave"):
        part.write(said(0, {}), plain(), tmp_path / "file" / "parts")
    with pytest.raises(UsageError):
        gather.from_files([tmp_path / "file"])


def test_ranks_are_named_briefly() -> None:
    assert called((2,)) == "rank 2"
    assert called((0, 1, 3)) == "ranks 0, 1 and 3"
    assert called((*range(999),)) == "ranks 0-998"


BEGIN = "import os,sys,signal,time,torch\nrank=int(os.environ['RANK'])\nm=torch.nn.Linear(2,1)\no=torch.optim.SGD(m.parameters(),lr=.1)\nfor _ in range(4):\n    o.zero_grad(); m(torch.ones(1,2)).sum().backward(); o.step()\n"


@pytest.mark.parametrize(
    ("end", "status", "reported"),
    [
        ("", 0, [0, 1]),
        ("if rank == 1: os.kill(os.getpid(), signal.SIGKILL)\ntime.sleep(1)", 1, None),
        ("if rank == 1: os._exit(0)", 0, [0]),
        ("if rank == 1: raise ValueError('mine')\ntime.sleep(60)", 1, [1]),
        ("if rank == 1: sys.exit(3)", 1, [0, 1]),
    ],
    ids=["both end", "one is killed", "one leaves at once", "one raises", "one exits with a status"],
)
def test_one_report_comes_of_two_ranks_however_they_end(
    end: str, status: int, reported: list[int] | None, tmp_path: Path
) -> None:
    script, report = tmp_path / "train.py", tmp_path / "report.json"
    script.write_text(BEGIN + end)
    done = torchrun(script, report)
    assert done.returncode == status, done.stderr
    if reported is None:
        return  # rank 0 is ended inside its program: the launcher sees the killed one first
    assert json.loads(report.read_text())["ranks"]["reported"] == reported
    assert done.stderr.count("  watched ") == 1, done.stderr


def torchrun(script: Path, report: Path) -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "OMP_NUM_THREADS": "1", "PYTHONPATH": str(SOURCE), "GRADCHECK_FREEZE_WAIT": "15"}
    launch = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", "2"]
    command = [*launch, "-m", "gradcheck_freeze", "run", "-o", str(report), str(script)]
    return subprocess.run(command, env=environment, capture_output=True, text=True, timeout=120, check=False)


@pytest.mark.parametrize(
    "script", sorted(str(p.relative_to(HERE / "rules")) for p in (HERE / "rules").glob("GF4*/*.py"))
)
def test_the_rules_that_compare_ranks_find_their_fault_and_leave_the_right_program_alone(
    script: str, tmp_path: Path
) -> None:
    done = torchrun(HERE / "rules" / script, tmp_path / "report.json")
    rules = {finding["rule"] for finding in json.loads((tmp_path / "report.json").read_text())["findings"]}
    assert rules == ({script.partition("/")[0]} if script.endswith("found.py") else set()), done.stderr


def test_rows_without_gradient_yield_to_rows_with_one_unless_nothing_shards_them() -> None:
    for spread, expected in (("sharded", 0), ("", 1)):
        zero, finite = (replace(word("a", "b", spread=spread), gradient=g) for g in ("zero", "finite"))
        found = merged(said(0, {"a": zero}, findings=(fault(3, "a"),)), said(1, {"a": finite}))
        assert len(found.findings) == expected


def test_an_ignore_entry_of_a_rule_that_compares_ranks_sets_its_finding_aside() -> None:
    one, other = word("a", "b"), word("a", "a", requires_grad=False, updated=False)
    beside = word("k", "l")
    found = merged(said(0, {"m.layer0.weight": one, "y.w": beside}), said(1, {"m.layer0.weight": other, "y.w": beside}))
    entries = parse_ignore_options(["GF401:m.layer0.weight=meant"])
    left = accepted(found, entries)
    assert [f.rule for f in found.findings] == ["GF401"]
    assert ([f.rule for f in left.findings], [f.rule for f in left.ignored]) == ([], ["GF401"])


def test_a_folder_of_somebody_else_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    group = gather.Group(0, 2, "run", tmp_path / "parts", time.time(), 0.1, kept=False)
    owner = os.getuid()
    monkeypatch.setattr(os, "getuid", lambda: owner + 1)
    told: list[str] = []
    found = gather.report_of(group, said(0, {}), plain(), told.append)
    assert found is not None
    assert found.ranks is not None
    assert found.ranks.missing == (1,)
    assert "somebody else" in told[0]
    assert list((tmp_path / "parts").iterdir()) == []
    assert (tmp_path / "parts").stat().st_mode & 0o777 == 0o700
