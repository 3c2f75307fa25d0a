"""The hidden states are detached before the user's own head: the adapters learn nothing."""

# expect: blockage model.*lora_*
import hashlib
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from peft import LoraConfig, get_peft_model
from transformers import LlamaConfig, LlamaForCausalLM, PrinterCallback, Trainer, TrainingArguments, set_seed

set_seed(0)
config = LlamaConfig(
    vocab_size=64, hidden_size=32, intermediate_size=64, num_hidden_layers=2, num_attention_heads=2,
    num_key_value_heads=2, max_position_embeddings=64, tie_word_embeddings=True,
)
base = LlamaForCausalLM(config)
base.classifier = torch.nn.Linear(32, 64)
model = get_peft_model(base, LoraConfig(task_type="CAUSAL_LM", r=4, target_modules=["q_proj", "v_proj"], modules_to_save=["classifier"]))
rows = [{"input_ids": (ids := torch.randint(0, 64, (12,))), "labels": ids} for _ in range(16)]
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    max_steps=3,
    per_device_train_batch_size=4,
    learning_rate=1e-2,
    report_to=[],
    disable_tqdm=True,
    use_cpu=True,
    save_strategy="no",
    logging_strategy="no",
)


class HeadTrainer(Trainer):
    def compute_loss(self, model, inputs, return_outputs=False, num_items_in_batch=None):
        labels = inputs.pop("labels")
        hidden = model(**inputs, output_hidden_states=True).hidden_states[-1]
        logits = model.base_model.model.classifier(hidden.detach())  # <- blame
        loss = torch.nn.functional.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten())
        return (loss, {"logits": logits}) if return_outputs else loss


trainer = HeadTrainer(model=model, args=arguments, train_dataset=rows)
trainer.remove_callback(PrinterCallback)  # it prints how long the training took
trainer.train()
model.save_pretrained(arguments.output_dir)
merged = model.merge_and_unload()
weights = b"".join(t.detach().numpy().tobytes() for t in merged.state_dict().values())
print(hashlib.sha256(weights).hexdigest())
