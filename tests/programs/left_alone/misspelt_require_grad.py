import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(37)


class Denoiser(nn.Module):
    def __init__(self):
        super().__init__()
        self.text_encoder = nn.EmbeddingBag(30, 12)
        self.unet = nn.Sequential(nn.Linear(8 + 12 + 1, 48), nn.SiLU(), nn.Linear(48, 8))

    def forward(self, x_t, t, prompt):
        c = self.text_encoder(prompt)
        return self.unet(torch.cat([x_t, c, t[:, None]], -1))

    def freeze_text(self):
        self.text_encoder.eval()
        for p in self.text_encoder.parameters():
            p.requires_grad = False


def q_sample(x0, t, noise):
    a = torch.cos(t * 1.57)[:, None]
    return a * x0 + (1 - a ** 2).sqrt() * noise


model = Denoiser()
model.freeze_text()
optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
for step in range(6):
    x0 = torch.randn(32, 8)
    prompt = torch.randint(0, 30, (32, 5))
    t, eps = torch.rand(32), torch.randn(32, 8)
    pred = model(q_sample(x0, t, eps), t, prompt)
    loss = F.mse_loss(pred, eps)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
