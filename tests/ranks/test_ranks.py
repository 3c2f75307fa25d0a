"""What one rank sees of a training over several, under DDP, `fully_shard` and FullyShardedDataParallel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

HERE = Path(__file__).parent
WATCH = """
import os, sys
from gradcheck_freeze.__main__ import main
sys.argv = ["gradcheck-freeze", "run", "-o", os.path.join(os.environ["REPORTS"], f"rank{os.environ['RANK']}.json"), *sys.argv[1:]]
main()
"""


def launch(folder, ranks, *arguments, status=(0, 1)):
    environment = {**os.environ, "REPORTS": str(folder), "DIGESTS": str(folder / "digest"), "OMP_NUM_THREADS": "1"}
    torchrun = [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(ranks)]
    done = subprocess.run(
        [*torchrun, *map(str, arguments)], env=environment, capture_output=True, text=True, timeout=240, check=False
    )
    assert done.returncode in status, done.stderr
    return [json.loads(path.read_text()) for path in sorted(folder.glob("rank*.json"))]


def watched(folder, ranks, *arguments):
    folder.mkdir()
    (folder / "watch.py").write_text(WATCH)
    return launch(folder, ranks, folder / "watch.py", *arguments)


@pytest.mark.parametrize("kind", ["ddp", "fsdp2", "fsdp1"])
def test_a_clean_training_is_clean_on_every_rank_and_comes_to_the_same_bits_without_us(tmp_path, kind):
    reports = watched(tmp_path / "with", 2, HERE / "clean.py", kind)
    (tmp_path / "without").mkdir()
    launch(tmp_path / "without", 2, HERE / "clean.py", kind, status=(0,))
    assert len(reports) == 2
    for number, report in enumerate(reports):
        assert report["findings"] == []
        assert not [p["name"] for p in report["parameters"] if ".module." in p["name"] or "_wrapped_" in p["name"]]
        assert [gap for gap in report["gaps"] if "_flat_param" not in str(gap)] == []
        digests = [(tmp_path / way / f"digest{number}").read_text() for way in ("with", "without")]
        assert digests[0] == digests[1]


@pytest.mark.parametrize(("kind", "ranks"), [("ddp", 2), ("fsdp2", 4)])
def test_every_rank_names_each_planted_fault_once(tmp_path, kind, ranks):
    reports = watched(tmp_path / "with", ranks, HERE / "faulty.py", kind)
    assert len(reports) == ranks
    for report in reports:
        found = [(f["rule"], f["parameters"][0].rsplit(".", 1)[0], f["cause"]["text"]) for f in report["findings"]]
        assert sorted(found) == [
            ("GF104", "net.encoder", "net.encoder.requires_grad = False"),
            ("GF201", "severed.encoder", "z = z.detach()"),
            ("GF301", "partly.encoder", "loss.backward()"),
        ]
