"""What one rank sees of a training over several, under DDP, `fully_shard` and FullyShardedDataParallel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent


def launch(folder, ranks, how, *arguments, status=(0, 1)):
    environment = {**os.environ, "DIGESTS": str(folder / "digest"), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    done = subprocess.run(
        [*torchrun, *map(str, (*how, *arguments))],
        env=environment,
        capture_output=True,
        text=True,
        timeout=240,
        check=False,
    )
    assert done.returncode in status, done.stderr
    return done


def watched(folder, ranks, *arguments, status=(0, 1)):
    """Return the merged report, what each rank says alone, and what was printed."""
    folder.mkdir()
    ours = ["-m", "gradcheck_freeze", "run", "--parts", folder / "parts", "-o", folder / "report.json"]
    done = launch(folder, ranks, ours, *arguments, status=status)
    parts = [path.read_text().splitlines() for path in sorted((folder / "parts").glob("*.part"))]
    return json.loads((folder / "report.json").read_text()), [json.loads(full) for _, full, _ in parts], done


@pytest.fixture(scope="module")
def without(tmp_path_factory):
    folder = tmp_path_factory.mktemp("without")
    launch(folder, 2, (), HERE / "clean.py", "ddp", "fsdp2", "fsdp1", status=(0,))
    return [(folder / f"digest{number}").read_text() for number in (0, 1)]


@pytest.mark.parametrize("kind", ["ddp", "fsdp2", "fsdp1"])
def test_a_clean_training_is_clean_on_every_rank_and_comes_to_the_same_bits_without_us(tmp_path, kind, without):
    merged, reports, _ = watched(tmp_path / "with", 2, HERE / "clean.py", kind, status=(0,))
    assert merged["findings"] == []
    assert len(reports) == 2
    for number, report in enumerate(reports):
        assert report["findings"] == []
        assert not [p["name"] for p in report["parameters"] if ".module." in p["name"] or "_wrapped_" in p["name"]]
        assert [gap for gap in report["gaps"] if "_flat_param" not in str(gap)] == []
        digests = (tmp_path / "with" / f"digest{number}").read_text()
        assert digests
        assert digests in without[number]


@pytest.mark.parametrize(("kind", "ranks"), [("ddp", 2), ("fsdp2", 4)])
def test_every_rank_names_each_planted_fault_once_and_so_does_the_merged_report(tmp_path, kind, ranks):
    merged, reports, done = watched(tmp_path / "with", ranks, HERE / "faulty.py", kind, status=(1,))
    assert len(reports) == ranks
    for report in (*reports, merged):
        found = [(f["rule"], f["parameters"][0].rsplit(".", 1)[0], f["cause"]["text"]) for f in report["findings"]]
        assert sorted(found) == [
            ("GF104", "net.encoder", "net.encoder.requires_grad = False"),
            ("GF201", "severed.encoder", "z = z.detach()"),
            ("GF301", "partly.encoder", "loss.backward()"),
        ]
    assert [f.get("ranks") for f in merged["findings"]] == [None] * 3 or [f["ranks"] for f in merged["findings"]] == [
        []
    ] * 3
    assert done.stderr.count("GF104") == 1, done.stderr
