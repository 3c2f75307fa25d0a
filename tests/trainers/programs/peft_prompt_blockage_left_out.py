"""The optimizer was built before PEFT wrapped the model: it holds frozen weights only, the prompt learns nothing."""

# expect: blockage model.prompt_encoder.*
import hashlib
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import PromptTuningConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM

torch.manual_seed(0)
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=64,
)
base = LlamaForCausalLM(config)
optimizer = torch.optim.AdamW(base.parameters(), lr=1e-2)
model = get_peft_model(base, PromptTuningConfig(task_type="CAUSAL_LM", num_virtual_tokens=4))  # <- blame
for _ in range(3):
    ids = torch.randint(0, 64, (4, 12))
    loss = model(input_ids=ids, labels=ids).loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
model.save_pretrained(tempfile.mkdtemp())
weights = b"".join(t.detach().numpy().tobytes() for t in model.state_dict().values())
print(hashlib.sha256(weights).hexdigest())
