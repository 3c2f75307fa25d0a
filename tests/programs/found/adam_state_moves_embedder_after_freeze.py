# expect: leak *embedder.*
import torch
from torch import nn


class TwoTower(nn.Module):
    def __init__(self, n_items=30, width=12):
        super().__init__()
        self.embedder = nn.Sequential(nn.Embedding(n_items, width), nn.Linear(width, width))
        self.scorer = nn.Sequential(nn.Linear(2 * width, width), nn.GELU(), nn.Linear(width, 1))

    def forward(self, query, item):
        pair = torch.cat([self.embedder(query), self.embedder(item)], dim=-1)
        return self.scorer(pair).squeeze(-1)


class Trainer:
    def __init__(self, model, freeze_at_step=1):
        self.model = model
        self.freeze_at_step = freeze_at_step
        self.optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, weight_decay=1e-2)
        self.criterion = nn.BCEWithLogitsLoss()
        self.global_step = 0

    def zero_grad(self):
        for p in self.model.parameters():
            if p.grad is not None:
                p.grad.zero_()  # <- blame

    def training_step(self, query, item, click):
        if self.global_step == self.freeze_at_step:
            self.model.embedder.requires_grad_(False)  # <- blame
        self.zero_grad()
        loss = self.criterion(self.model(query, item), click)
        loss.backward()
        self.optimizer.step()
        self.global_step += 1
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(15)
    trainer = Trainer(TwoTower())
    for _ in range(6):
        query, item = torch.randint(0, 30, (2, 24))
        print(trainer.training_step(query, item, torch.rand(24).round()))
