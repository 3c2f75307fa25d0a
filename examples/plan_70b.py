"""Check the freeze plan of a Llama of 70 billion parameters with LoRA on this machine, before renting the cluster for it.

The model is built on the meta device: every tensor has a shape and a dtype and no memory. Needs transformers and peft:

    python examples/plan_70b.py            # the plan as it should be
    python examples/plan_70b.py everything # with the base model left trainable by mistake
"""

import sys

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

from gradcheck_freeze import diagnose

config = LlamaConfig(
    hidden_size=8192,
    num_hidden_layers=80,
    num_attention_heads=64,
    num_key_value_heads=8,
    intermediate_size=28672,
    vocab_size=128256,
    use_cache=False,
)
with torch.device("meta"):
    base = LlamaForCausalLM(config).to(torch.bfloat16)
    model = get_peft_model(base, LoraConfig(r=16, target_modules=["q_proj", "v_proj"], task_type="CAUSAL_LM"))
    tokens = torch.zeros(1, 2048, dtype=torch.long)
    mask = torch.zeros(1, 1, 2048, 2048, dtype=torch.bfloat16)  # ready-made: to make one, values would be looked at

if "everything" in sys.argv[1:]:
    model.requires_grad_(True)
optimizer = torch.optim.AdamW([p for name, p in model.named_parameters() if "lora_" in name], lr=1e-4)


def loss():
    return model(input_ids=tokens, attention_mask=mask, labels=tokens).loss


print(diagnose(model, loss, optimizer))
