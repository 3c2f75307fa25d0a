# expect: blockage model.inference.*
import torch
from torch import nn
from torch.distributions import Categorical


class DiscreteAutoencoder(nn.Module):
    def __init__(self, inputs=18, codes=8, width=10):
        super().__init__()
        self.inference = nn.Sequential(nn.Linear(inputs, 32), nn.ELU(), nn.Linear(32, codes))
        self.codebook = nn.Embedding(codes, width)
        self.generator = nn.Sequential(nn.Linear(width, 32), nn.ELU(), nn.Linear(32, inputs))

    def embed_code(self, logits):
        code = Categorical(logits=logits).sample()  # <- blame
        return self.codebook(code)

    def forward(self, x):
        return self.generator(self.embed_code(self.inference(x)))


torch.manual_seed(0)
model = DiscreteAutoencoder()
optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=3, gamma=0.5)
for step in range(6):
    batch = torch.randn(64, 18)
    loss = nn.functional.mse_loss(model(batch), batch)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(f"step {step} reconstruction {loss.item():.4f} lr {scheduler.get_last_lr()[0]:.1e}")
