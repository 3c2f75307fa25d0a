import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class MultiTaskNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.shared = nn.Sequential(nn.Linear(20, 64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.depth = nn.Linear(32, 1)
        self.semantic = nn.Linear(32, 7)

    def forward(self, x):
        h = self.shared(x)
        return self.depth(h).squeeze(1), self.semantic(h)


class UncertaintyLoss(nn.Module):
    """Kendall et al.: every task is weighted by a learned log variance."""

    def __init__(self, tasks):
        super().__init__()
        self.log_vars = nn.Parameter(torch.zeros(tasks))

    def forward(self, *losses):
        return sum(torch.exp(-log_var) * loss + log_var for loss, log_var in zip(losses, self.log_vars, strict=True))


class MultiTaskTrainer:
    def __init__(self, lr=1e-3):
        self.net = MultiTaskNet()
        self.weighting = UncertaintyLoss(2)
        self.optimizer = torch.optim.Adam([*self.net.parameters(), *self.weighting.parameters()], lr=lr)

    def train(self, loader, epochs):
        for epoch in range(epochs):
            for x, depth, label in loader:
                predicted_depth, logits = self.net(x)
                depth_loss = nn.functional.l1_loss(predicted_depth, depth)
                semantic_loss = nn.functional.cross_entropy(logits, label)
                loss = self.weighting(depth_loss, semantic_loss)
                self.optimizer.zero_grad()
                loss.backward()
                self.optimizer.step()
            sigmas = self.weighting.log_vars.detach().exp().sqrt().tolist()
            print(f"epoch {epoch} loss {loss.item():.4f} sigma {[round(s, 4) for s in sigmas]}")


torch.manual_seed(0)
dataset = TensorDataset(torch.randn(64, 20), torch.rand(64), torch.randint(0, 7, (64,)))
trainer = MultiTaskTrainer()
trainer.train(DataLoader(dataset, batch_size=32, shuffle=True), epochs=3)
