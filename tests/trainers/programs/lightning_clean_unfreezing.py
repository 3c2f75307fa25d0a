"""Lightning freezes the backbone and lets it learn from the third epoch on; a test afterwards freezes it again."""
import warnings
warnings.filterwarnings("ignore")

import hashlib
import lightning as L, torch, tempfile
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
from lightning.pytorch.callbacks import BackboneFinetuning, ModelCheckpoint
from lightning.pytorch.loggers import CSVLogger
class Lit(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(8, 16), nn.BatchNorm1d(16), nn.ReLU())
        self.head = nn.Linear(16, 8)
    def forward(self, x): return self.head(self.backbone(x))
    def shared(self, x, stage):
        loss = F.mse_loss(self(x), x)
        self.log(f"{stage}_loss", loss, on_epoch=True)
        return loss
    def training_step(self, batch, batch_idx): return self.shared(batch[0], "train")
    def validation_step(self, batch, batch_idx): self.shared(batch[0], "val")
    def test_step(self, batch, batch_idx): self.shared(batch[0], "test")
    def configure_optimizers(self):
        return torch.optim.SGD(filter(lambda p: p.requires_grad, self.parameters()), lr=1e-2)
L.seed_everything(0, verbose=False)
loader = DataLoader(TensorDataset(torch.randn(64, 8)), batch_size=8)
model = Lit(); d = tempfile.mkdtemp()
t = L.Trainer(max_epochs=4, accelerator="cpu", logger=CSVLogger(d), enable_progress_bar=False, enable_model_summary=False, default_root_dir=d, callbacks=[BackboneFinetuning(unfreeze_backbone_at_epoch=2), ModelCheckpoint(d, monitor="val_loss")], log_every_n_steps=2)
t.fit(model, loader, loader)
t.test(model, loader, verbose=False)
weights = b"".join(t.detach().numpy().tobytes() for t in model.state_dict().values())
print(hashlib.sha256(weights).hexdigest())
