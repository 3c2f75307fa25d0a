"""A fit with the callback; prints what came of it as JSON. Arguments: package, case."""

import hashlib
import importlib
import json
import logging
import sys
import tempfile
import warnings
from pathlib import Path

import torch
from torch import nn
from torch.nn.functional import cross_entropy
from torch.utils.data import DataLoader, TensorDataset

warnings.filterwarnings("ignore")
package, case = sys.argv[1:3]
L = importlib.import_module(package)
CSVLogger = importlib.import_module(f"{package}.loggers").CSVLogger

from gradcheck_freeze.plugins.lightning import GradientFlow  # noqa: E402

CALL = nn.Module.__call__
OPTIONS = {
    "stopped": {"frozen": ["encoder"]},
    "full_name": {"frozen": "model.encoder"},
    "told_only": {"frozen": ["encoder"], "fail_on": None},
    "clean": {"trainable": ["encoder", "head"]},
    "short": {"frozen": ["encoder"], "steps": 1000},
    "typo": {"frozen": ["encodr"], "fail_on": None},
    "raises": {"frozen": ["encoder"]},
}


class Classifier(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 16)
        self.head = nn.Linear(16, 3)

    def training_step(self, batch, batch_idx):
        if case == "raises" and batch_idx == 2:
            raise RuntimeError("out of luck")
        x, y = batch
        return cross_entropy(self.head(self.encoder(x)), y)

    def validation_step(self, batch, batch_idx):
        self.encoder(batch[0])

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), 1e-2)


logging.basicConfig(stream=sys.stderr)
L.seed_everything(0, verbose=False)
folder = Path(tempfile.mkdtemp())
flow = GradientFlow(**OPTIONS[case], save=[folder / "flow.html", folder / "flow.json"]) if case in OPTIONS else None
module = Classifier()
trainer = L.Trainer(
    max_epochs=2,
    accelerator="cpu",
    logger=CSVLogger(folder, name="log", version=""),
    enable_progress_bar=False,
    enable_model_summary=False,
    enable_checkpointing=False,
    log_every_n_steps=1,
    callbacks=[flow] if flow else [],
)
loader = DataLoader(TensorDataset(torch.randn(32, 8), torch.randint(0, 3, (32,))), batch_size=8, shuffle=True)
raised = None
try:
    trainer.fit(module, loader, loader)
except Exception as error:
    raised = [type(error).__name__, str(error)]
metrics = folder / "log" / "metrics.csv"
print(
    json.dumps(
        {
            "raised": raised,
            "steps": trainer.global_step,
            "saved": sorted(path.name for path in folder.glob("flow.*")),
            "metrics": metrics.read_text() if metrics.exists() else "",
            "weights": hashlib.sha256(b"".join(p.detach().numpy().tobytes() for p in module.parameters())).hexdigest(),
            "findings": [f.rule for f in flow.diagnosis.findings] if flow and flow.diagnosis else None,
            "optimizers": [o.name for o in flow.diagnosis.optimizers] if flow and flow.diagnosis else None,
            "uninstalled": nn.Module.__call__ is CALL,
        }
    )
)
