"""The plan of a Llama of 70 billion parameters with LoRA, as transformers and peft make it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

pytest.importorskip("transformers")
pytest.importorskip("peft")

_SCRIPT = """
import json, resource, sys
import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM
from gradcheck_freeze import diagnose

fault, attention = sys.argv[1:]
config = LlamaConfig(
    hidden_size=8192, num_hidden_layers=80, num_attention_heads=64, num_key_value_heads=8, intermediate_size=28672,
    vocab_size=128256, use_cache=False, attn_implementation=attention,
)
with torch.device("meta"):
    model = LlamaForCausalLM(config).to(torch.bfloat16)
    model = get_peft_model(model, LoraConfig(r=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    tokens = torch.zeros(1, 2048, dtype=torch.long)
    mask = torch.zeros(1, 1, 2048, 2048, dtype=torch.bfloat16) if fault != "mask" else torch.ones(1, 2048)
if fault == "everything":
    model.requires_grad_(True)
if fault == "embeddings":
    model.get_input_embeddings().requires_grad_(True)
if fault == "detached":
    layer = model.base_model.model.model.layers[40]
    forward = layer.forward
    layer.forward = lambda hidden, *a, **k: forward(hidden.detach(), *a, **k)
held = [p for name, p in model.named_parameters() if "lora_" in name]
if fault == "head":
    held.append(model.get_output_embeddings().requires_grad_(True).weight)
optimizer = torch.optim.AdamW(held, lr=1e-4)
frozen = ["model.base_model.model.lm_head"] if fault == "head" else []
d = diagnose(model, lambda: model(input_ids=tokens, attention_mask=mask, labels=tokens).loss, optimizer, frozen)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
print(json.dumps({
    "findings": [(f.rule, f.severity.word, f.where, len(f.parameters)) for f in d.findings],
    "updated": sum(r.updated for r in d.parameters.values()), "peak": peak, "lines": str(d).count(chr(10)),
    "unused": sum(a.bytes for a in d.plan.unused_gradients), "gaps": d.gaps,
}))
"""


def planned(fault: str, attention: str = "sdpa") -> subprocess.CompletedProcess[str]:
    environment = {**os.environ, "HF_HUB_OFFLINE": "1", "OMP_NUM_THREADS": "1"}
    return subprocess.run(
        [sys.executable, "-c", _SCRIPT, fault, attention], env=environment, capture_output=True, text=True, check=False
    )


@pytest.mark.parametrize(
    ("fault", "rule", "where", "count", "updated"),
    [
        ("none", None, "", 0, 320),
        ("everything", "GF301", "model.base_model.model.lm_head, ", 723, 320),
        ("embeddings", "GF207", "model.base_model.model.model.embed_tokens", 1, 320),
        ("head", "GF101", "model.base_model.model.lm_head", 1, 321),
        ("detached", "GF201", "model.base_model.model.model.layers.{0-39}.self_attn.q_proj.lora_A", 160, 160),
    ],
)
def test_faults_of_a_plan_are_named_within_four_gigabytes(
    fault: str, rule: str | None, where: str, count: int, updated: int
) -> None:
    done = planned(fault)
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["updated"] == updated
    assert told["peak"] < 4e9
    assert told["lines"] < 60
    assert not any("failed" in gap for gap in told["gaps"])
    if rule is None:
        assert told["findings"] == []
    else:
        ((found, _, place, parameters),) = told["findings"]
        assert (found, parameters) == (rule, count)
        assert place.startswith(where)


def test_a_mask_that_the_model_looks_into_is_told_with_the_way_around() -> None:
    done = planned("mask")
    assert done.returncode == 1
    assert "reads values, which tensors on the meta device do not have" in done.stderr
    assert "attn_implementation='eager'" in done.stderr


def test_eager_attention_takes_a_mask_of_ones() -> None:
    done = planned("mask", "eager")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout)["findings"] == []


def test_the_example_prints_its_plan() -> None:
    example = Path(__file__).resolve().parents[2] / "examples" / "plan_70b.py"
    for arguments, said in (((), "ok"), (("everything",), "GF301")):
        done = subprocess.run([sys.executable, str(example), *arguments], capture_output=True, text=True, check=True)
        assert said in done.stdout
        assert "307 TFLOP" in done.stdout or "592 TFLOP" in done.stdout
