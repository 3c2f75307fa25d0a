"""A training with the callback; prints what came of it as JSON. Arguments: a word, case."""

import hashlib
import json
import logging
import sys
import tempfile
from pathlib import Path

import torch
from torch import nn
from transformers import (
    BertConfig,
    BertForSequenceClassification,
    Trainer,
    TrainerCallback,
    TrainingArguments,
    set_seed,
)

from gradcheck_freeze.plugins.transformers import GradientFlowCallback

CALL = nn.Module.__call__
case = sys.argv[2]
OPTIONS = {
    "stopped": {"frozen": ["bert"]},
    "full_name": {"frozen": "model.bert"},
    "told_only": {"frozen": ["bert"], "fail_on": None},
    "clean": {"trainable": ["bert.encoder", "classifier"]},
    "short": {"frozen": ["bert"], "steps": 1000},
    "typo": {"frozen": ["brt"], "fail_on": None},
}

logging.basicConfig(stream=sys.stderr)
set_seed(0)
config = BertConfig(
    vocab_size=64,
    hidden_size=32,
    num_hidden_layers=1,
    num_attention_heads=2,
    intermediate_size=64,
    max_position_embeddings=32,
    num_labels=3,
)
model = BertForSequenceClassification(config)
rows = [{"input_ids": torch.randint(0, 64, (12,)), "labels": torch.randint(0, 3, ())} for _ in range(32)]
folder = Path(tempfile.mkdtemp())
arguments = TrainingArguments(
    output_dir=str(folder),
    max_steps=8,
    per_device_train_batch_size=2,
    gradient_accumulation_steps=2,
    report_to=[],
    disable_tqdm=True,
    use_cpu=True,
    save_strategy="no",
    logging_strategy="no",
)
flow = (
    GradientFlowCallback(**OPTIONS[case], save=[folder / "flow.html", folder / "flow.json"])
    if case in OPTIONS
    else None
)
callbacks: list[TrainerCallback] = [flow] if flow else []
trainer = Trainer(model=model, args=arguments, train_dataset=rows, callbacks=callbacks)
raised = None
try:
    trainer.train()
except Exception as error:
    raised = [type(error).__name__, str(error)]
weights = b"".join(p.detach().numpy().tobytes() for p in model.parameters())
print(
    json.dumps(
        {
            "raised": raised,
            "steps": trainer.state.global_step,
            "saved": sorted(path.name for path in folder.glob("flow.*")),
            "metrics": json.dumps(trainer.state.log_history),
            "weights": hashlib.sha256(weights).hexdigest(),
            "findings": [f.rule for f in flow.diagnosis.findings] if flow and flow.diagnosis else None,
            "optimizers": [o.name for o in flow.diagnosis.optimizers] if flow and flow.diagnosis else None,
            "uninstalled": nn.Module.__call__ is CALL,
        }
    )
)
