"""A GAN in manual optimisation: two optimizers take turns, each with the other network toggled off."""
import warnings
warnings.filterwarnings("ignore")
import lightning as L, torch, hashlib
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset
class GAN(L.LightningModule):
    def __init__(self):
        super().__init__()
        self.automatic_optimization = False
        self.generator = nn.Sequential(nn.Linear(4, 16), nn.ReLU(), nn.Linear(16, 8))
        self.discriminator = nn.Sequential(nn.Linear(8, 16), nn.LeakyReLU(), nn.Linear(16, 1))
    def adversarial_loss(self, y_hat, y):
        return F.binary_cross_entropy_with_logits(y_hat, y)
    def training_step(self, batch):
        (real,) = batch
        g, d = self.optimizers()
        z = torch.randn(real.shape[0], 4)
        self.toggle_optimizer(g)
        fake = self.generator(z)
        g_loss = self.adversarial_loss(self.discriminator(fake), torch.ones(len(real), 1))
        self.log("g_loss", g_loss, prog_bar=True)
        self.manual_backward(g_loss)
        g.step(); g.zero_grad()
        self.untoggle_optimizer(g)
        self.toggle_optimizer(d)
        d_loss = (self.adversarial_loss(self.discriminator(real), torch.ones(len(real), 1)) + self.adversarial_loss(self.discriminator(self.generator(z).detach()), torch.zeros(len(real), 1))) / 2
        self.manual_backward(d_loss)
        d.step(); d.zero_grad()
        self.untoggle_optimizer(d)
    def configure_optimizers(self):
        return [torch.optim.Adam(self.generator.parameters(), 1e-3), torch.optim.Adam(self.discriminator.parameters(), 1e-3)], []
def main():
    L.seed_everything(0, verbose=False)
    model = GAN()
    t = L.Trainer(max_epochs=1, accelerator="cpu", logger=False, enable_progress_bar=False, enable_model_summary=False, enable_checkpointing=False)
    t.fit(model, DataLoader(TensorDataset(torch.randn(32, 8)), batch_size=8, shuffle=True))
    weights = b"".join(t.detach().numpy().tobytes() for t in model.state_dict().values())
    print(hashlib.sha256(weights).hexdigest())


main()
