"""A Llama with LoRA in plain torch, of any size and on any device, with faults of a freeze plan to be planted.

As a script it plans the one of 70 billion parameters with the faults given, or all, and prints as JSON what was found.
"""

from __future__ import annotations

import json
import resource
import sys
from collections.abc import Callable

import torch
from torch import nn

SEVENTY = {"width": 8192, "layers": 80, "heads": 64, "groups": 8, "inner": 28672, "vocabulary": 128256}
SMALL = {"width": 32, "layers": 4, "heads": 4, "groups": 2, "inner": 48, "vocabulary": 50}
FAULTS = ("none", "everything", "embeddings", "head", "detached")


class LoRA(nn.Module):
    def __init__(self, base: nn.Linear, rank: int = 16) -> None:
        super().__init__()
        self.base_layer = base
        self.lora_A = nn.Linear(base.in_features, rank, bias=False)
        self.lora_B = nn.Linear(rank, base.out_features, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.base_layer(x) + self.lora_B(self.lora_A(x))


class Norm(nn.Module):
    def __init__(self, width: int) -> None:
        super().__init__()
        self.weight = nn.Parameter(torch.ones(width))

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.weight * (x * torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-5))


class Attention(nn.Module):
    def __init__(self, width: int, heads: int, groups: int) -> None:
        super().__init__()
        self.heads, self.groups, self.depth = heads, groups, width // heads
        self.q_proj = LoRA(nn.Linear(width, width, bias=False))
        self.k_proj = nn.Linear(width, groups * self.depth, bias=False)
        self.v_proj = LoRA(nn.Linear(width, groups * self.depth, bias=False))
        self.o_proj = nn.Linear(width, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        q = self.q_proj(x).unflatten(-1, (self.heads, self.depth)).transpose(1, 2)
        k = self.k_proj(x).unflatten(-1, (self.groups, self.depth)).transpose(1, 2)
        v = self.v_proj(x).unflatten(-1, (self.groups, self.depth)).transpose(1, 2)
        k, v = (t.repeat_interleave(self.heads // self.groups, 1) for t in (k, v))
        weights = torch.softmax(q @ k.transpose(-1, -2) / self.depth**0.5, -1)
        return self.o_proj((weights @ v).transpose(1, 2).flatten(2))


class MLP(nn.Module):
    def __init__(self, width: int, inner: int) -> None:
        super().__init__()
        self.gate_proj, self.up_proj = nn.Linear(width, inner, bias=False), nn.Linear(width, inner, bias=False)
        self.down_proj = nn.Linear(inner, width, bias=False)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        return self.down_proj(nn.functional.silu(self.gate_proj(x)) * self.up_proj(x))


class Layer(nn.Module):
    def __init__(self, width: int, heads: int, groups: int, inner: int) -> None:
        super().__init__()
        self.self_attn, self.mlp = Attention(width, heads, groups), MLP(width, inner)
        self.input_layernorm, self.post_attention_layernorm = Norm(width), Norm(width)

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        x = x + self.self_attn(self.input_layernorm(x))
        return x + self.mlp(self.post_attention_layernorm(x))


class Llama(nn.Module):
    def __init__(self, width: int, layers: int, heads: int, groups: int, inner: int, vocabulary: int) -> None:
        super().__init__()
        self.cut_before = -1
        self.embed_tokens = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(Layer(width, heads, groups, inner) for _ in range(layers))
        self.norm = Norm(width)
        self.lm_head = nn.Linear(width, vocabulary, bias=False)

    def forward(self, tokens: torch.Tensor) -> torch.Tensor:
        x = self.embed_tokens(tokens)
        for number, layer in enumerate(self.layers):
            if number == self.cut_before:
                x = x.detach()
            x = layer(x)
        return self.lm_head(self.norm(x))


def adapted(
    size: dict[str, int], fault: str, device: str = "meta", dtype: torch.dtype = torch.bfloat16, length: int = 2048
) -> tuple[Llama, Callable[[], torch.Tensor], torch.optim.Optimizer]:
    """Return model, loss and optimizer of a LoRA training with one fault."""
    with torch.device(device):
        model = Llama(**size)
        if dtype != torch.float32:
            model.to(dtype)
        tokens = torch.arange(length).remainder(size["vocabulary"]).unsqueeze(0)
    for name, parameter in model.named_parameters():
        parameter.requires_grad_("lora_" in name or fault == "everything")
    held = [parameter for name, parameter in model.named_parameters() if "lora_" in name]
    if fault == "embeddings":
        model.embed_tokens.requires_grad_(True)
    if fault == "head":
        held.append(model.lm_head.requires_grad_(True).weight)
    if fault == "detached":
        model.cut_before = size["layers"] // 2

    def loss() -> torch.Tensor:
        return nn.functional.cross_entropy(model(tokens)[0, :-1].float(), tokens[0, 1:])

    return model, loss, torch.optim.AdamW(held, lr=1e-4)


def main() -> None:
    from gradcheck_freeze import diagnose

    found = {}
    for fault in sys.argv[1:] or FAULTS:
        model, loss, optimizer = adapted(SEVENTY, fault)
        diagnosis = diagnose(model, loss, optimizer, frozen=["lm_head"] if fault == "head" else ())
        records = diagnosis.parameters.values()
        found[fault] = {
            "findings": [(f.rule, f.severity.word, f.where, len(f.parameters), f.message) for f in diagnosis.findings],
            "fed": sum(record.gradient != "none" for record in records),
            "updated": sum(record.updated for record in records),
            "plan": json.loads(diagnosis.to_json())["plan"],
            "lines": str(diagnosis).count("\n"),
            "page": len(diagnosis.to_html()),
        }
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    print(json.dumps({"found": found, "peak": peak}))


if __name__ == "__main__":
    main()
