# expect: leak *backbone.*
import copy

import torch
import torch.nn.functional as F
from torch import nn


class ProteinModel(nn.Module):
    def __init__(self, residues=21, width=16):
        super().__init__()
        self.backbone = nn.ModuleDict(
            {"embed": nn.Embedding(residues, width), "conv": nn.Conv1d(width, width, 5, padding=2)}
        )
        self.stability = nn.Linear(width, 1)

    def forward(self, sequence):
        x = self.backbone["embed"](sequence).transpose(1, 2)
        return self.stability(F.gelu(self.backbone["conv"](x)).mean(dim=2)).squeeze(1)


def freeze(module):
    module = copy.deepcopy(module)  # <- blame
    for p in module.parameters():
        p.requires_grad_(False)
    return module.eval()


class StabilityTrainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        freeze(self.model.backbone)  # <- blame
        self.optimizer = torch.optim.Adam([p for p in self.model.parameters() if p.requires_grad], lr=lr)

    def __call__(self, steps):
        for step in range(steps):
            sequence, stability = torch.randint(0, 21, (8, 15)), torch.randn(8)
            loss = F.mse_loss(self.model(sequence), stability)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step} mse {loss.item():.4f}")


torch.manual_seed(47)
trainer = StabilityTrainer(ProteinModel())
trainer(4)
