# expect: leak *
import torch
import torch.nn.functional as F
from torch import nn


class ModelEma:
    def __init__(self, model, decay=0.995):
        self.module = model.eval()  # <- blame
        self.decay = decay

    @torch.no_grad()
    def update(self, model):
        for ema_value, value in zip(self.module.state_dict().values(), model.state_dict().values(), strict=True):
            ema_value.copy_(self.decay * ema_value + (1.0 - self.decay) * value)


def build_denoiser(width=32):
    return nn.Sequential(nn.Linear(9, width), nn.SiLU(), nn.Linear(width, width), nn.SiLU(), nn.Linear(width, 8))


def train(steps=5):
    model = build_denoiser()
    ema = ModelEma(model)  # <- blame
    optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3)
    for step in range(steps):
        clean = torch.randn(32, 8)
        noise = torch.randn_like(clean)
        t = torch.rand(32, 1)
        noisy = (1 - t) * clean + t * noise
        loss = F.mse_loss(model(torch.cat([noisy, t], dim=1)), noise)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        ema.update(model)
        print(f"step {step} loss {loss.item():.4f}")
    return ema


if __name__ == "__main__":
    torch.manual_seed(31)
    ema = train()
    with torch.no_grad():
        print("ema output", ema.module(torch.zeros(1, 9)).norm().item())
