# expect: blockage *encoder.*
import torch
from torch import nn

CONFIG = {"lr": 4e-3, "encoder_lr_ratio": (1, 10), "steps": 12}


def build_optimizer(model, cfg):
    num, den = cfg["encoder_lr_ratio"]
    encoder_lr = cfg["lr"] * (num // den)  # <- blame
    groups = [
        {"params": model.encoder.parameters(), "lr": encoder_lr},  # <- blame
        {"params": model.decoder.parameters()},
    ]
    return torch.optim.Adam(groups, lr=cfg["lr"])


class AE(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, 16), nn.GELU(), nn.Linear(16, 3))
        self.decoder = nn.Sequential(nn.Linear(3, 16), nn.GELU(), nn.Linear(16, 10))

    def forward(self, x):
        return self.decoder(self.encoder(x))


torch.manual_seed(20)
ae = AE()
opt = build_optimizer(ae, CONFIG)
x = torch.randn(100, 3) @ torch.randn(3, 10)
for step in range(CONFIG["steps"]):
    b = x[torch.randint(0, 100, (25,))]
    loss = nn.functional.mse_loss(ae(b), b)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
