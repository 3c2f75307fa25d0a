"""The author means to freeze BERT under the classifier and misspells the flag."""

# expect: leak model.bert.*.[wb]*[st]
import hashlib
import os
import tempfile

os.environ["HF_HUB_OFFLINE"] = "1"

import torch
from transformers import BertConfig, BertForSequenceClassification, PrinterCallback, Trainer, TrainingArguments, set_seed

set_seed(0)
config = BertConfig(
    vocab_size=64, hidden_size=32, num_hidden_layers=2, num_attention_heads=2, intermediate_size=64,
    max_position_embeddings=32, num_labels=3,
)
model = BertForSequenceClassification(config)
for parameter in model.bert.parameters():
    parameter.require_grad = False  # <- blame
rows = [
    {"input_ids": torch.randint(0, 64, (12,)), "attention_mask": torch.ones(12, dtype=torch.long), "labels": torch.randint(0, 3, ())}
    for _ in range(32)
]
arguments = TrainingArguments(
    output_dir=tempfile.mkdtemp(),
    max_steps=4,
    per_device_train_batch_size=4,
    gradient_accumulation_steps=2,
    learning_rate=1e-3,
    report_to=[],
    disable_tqdm=True,
    use_cpu=True,
    save_strategy="no",
    logging_strategy="no",
)
trainer = Trainer(model=model, args=arguments, train_dataset=rows)
trainer.remove_callback(PrinterCallback)  # it prints how long the training took
trainer.train()
weights = b"".join(t.detach().numpy().tobytes() for t in model.state_dict().values())
print(hashlib.sha256(weights).hexdigest())
