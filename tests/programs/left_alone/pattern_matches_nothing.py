import argparse
import torch
from torch import nn


def get_args():
    ap = argparse.ArgumentParser()
    ap.add_argument("--freeze-prefix", default="encoder.")
    ap.add_argument("--steps", type=int, default=8)
    return ap.parse_args([])


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(8, 24), nn.GELU(), nn.Linear(24, 24), nn.GELU())
        self.head = nn.Linear(24, 3)

    def forward(self, x):
        return self.head(self.encoder(x))


def freeze(model, prefix):
    for name, p in model.named_parameters():
        if name.startswith(prefix):
            p.requires_grad = False


args = get_args()
torch.manual_seed(0)
model = Classifier()
freeze(model, args.freeze_prefix)
opt = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=1e-3)
x = torch.randn(96, 8); y = x[:, :3].argmax(1)
for step in range(args.steps):
    i = torch.randint(0, 96, (24,))
    loss = nn.functional.cross_entropy(model(x[i]), y[i])
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(step, loss.item())
