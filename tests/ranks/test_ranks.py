"""What one rank sees of a training over several, under DDP, `fully_shard` and FullyShardedDataParallel."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
import torch

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


def watched(folder, ranks, *arguments, status=(0, 1), options=()):
    """Return the merged report, what each rank says alone, and what was printed."""
    folder.mkdir()
    ours = ["-m", "gradcheck_freeze", "run", "--parts", folder / "parts", "-o", folder / "report.json", *options]
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
    assert not [f for f in merged["findings"] if f.get("ranks")]
    assert done.stderr.count("GF104") == 1, done.stderr


TO_THE_END = ("--steps", 40)


def test_experts_by_rank_and_rows_that_only_another_rank_looks_up_are_left_alone(tmp_path):
    names = ("experts", "rows")
    merged, _, _ = watched(tmp_path / "with", 2, HERE / "by_rank.py", *names, status=(0,), options=TO_THE_END)
    assert merged["findings"] == []
    assert {p["state"] for p in merged["parameters"] if p["name"].startswith(("routed.", "looked_up."))} == {"learning"}


def test_a_fault_of_one_rank_is_named_once_with_its_rank_and_what_diverges_is_named(tmp_path):
    names = ("frozen_in_ddp", "outside")
    merged, _, done = watched(tmp_path / "with", 4, HERE / "by_rank.py", *names, status=(1,), options=TO_THE_END)
    found = [
        (f["rule"], f["parameters"], f.get("ranks") or [], (f["cause"] or {}).get("text")) for f in merged["findings"]
    ]
    assert (
        found
        == [
            ("GF402", ["outer.bias", "outer.weight"], [], None),
            ("GF401", ["wrapped.head.bias", "wrapped.head.weight"], [1], "wrapped.module.head.requires_grad_(False)"),
        ][::-1]
    )
    assert done.stderr.count("> 75 |     wrapped.module.head.requires_grad_(False)") == 1, done.stderr


def test_parameters_that_torch_stops_for_are_named_and_the_status_is_kept(tmp_path):
    merged, _, done = watched(tmp_path / "with", 2, HERE / "by_rank.py", "unused", status=(1,))
    assert "Expected to have finished reduction" in done.stderr
    named = {(name, tuple(f["ranks"])) for f in merged["findings"] if f["rule"] == "GF401" for name in f["parameters"]}
    assert named >= {("partly.experts.1.weight", (0,)), ("partly.experts.0.weight", (1,))}


def test_a_diagnosis_of_a_sharded_model_is_refused_before_anything_is_touched(tmp_path):
    done = launch(tmp_path, 2, (), HERE / "sharded_trial.py", status=(0,))
    assert [f"refused on {rank}: the parameters of the model are sharded" in done.stdout for rank in (0, 1)] == [
        True
    ] * 2


def test_gradient_that_is_added_to_a_sharded_parameter_counts_for_every_backward_through_the_wrapper_or_past_it():
    from torch.distributed.device_mesh import init_device_mesh
    from torch.distributed.tensor import Shard, distribute_tensor

    from gradcheck_freeze import watch
    from gradcheck_freeze.trace.memory import version_of

    torch.distributed.init_process_group("gloo", store=torch.distributed.HashStore(), rank=0, world_size=1)
    try:
        head = torch.nn.Linear(4, 4, bias=False)
        sharded = distribute_tensor(head.weight.detach(), init_device_mesh("cpu", (1,)), [Shard(0)])
        head.weight = torch.nn.Parameter(sharded)
        with watch({"head": head}, torch.optim.SGD(head.parameters(), lr=0.1)) as flow:
            for _ in range(2):  # the engine adds in place, through the wrapper
                head.weight.square().sum().backward()
        received = [backward.received for backward in flow._recorder.trace().backwards]
        assert [len(held) for held in received] == [1, 1]
        gradient = head.weight.grad
        wrapper, before = gradient._version, version_of(gradient)
        gradient._local_tensor.add_(1.0)  # as `fully_shard` adds, past the wrapper
        assert gradient._version == wrapper
        assert version_of(gradient) > before
    finally:
        torch.distributed.destroy_process_group()


def test_a_contract_is_held_against_what_all_ranks_have_together(tmp_path):
    options = ("--frozen", "encoder", "--trainable", "head@loss", "--trainable", "hed")
    merged, reports, done = watched(tmp_path / "with", 2, HERE / "stages.py", status=(1,), options=options)
    assert [(f["rule"], f["where"], f["ranks"]) for f in merged["findings"]] == [("GF101", "encoder", [0])]
    assert sorted(loss["name"] for loss in merged["losses"]) == ["gradient", "loss"]
    assert len(merged["optimizers"]) == 2
    assert [len(report["findings"]) for report in reports] == [1, 0]
    assert "--trainable 'hed' matches no parameter or buffer" in done.stderr
    assert "'head" not in done.stderr.split("--trainable 'hed'")[0]
