import torch
import torch.nn as nn
from torch.utils.data import DataLoader, TensorDataset


class Recommender(nn.Module):
    def __init__(self, users=500, items=300, dim=16):
        super().__init__()
        self.user_embedding = nn.Embedding(users, dim, sparse=True)
        self.item_embedding = nn.Embedding(items, dim, sparse=True)
        self.mlp = nn.Sequential(nn.Linear(2 * dim, 32), nn.ReLU(), nn.Linear(32, 1))

    def forward(self, user, item):
        joined = torch.cat([self.user_embedding(user), self.item_embedding(item)], dim=-1)
        return self.mlp(joined).squeeze(-1)


class Trainer:
    def __init__(self, model):
        self.model = model
        sparse = [*model.user_embedding.parameters(), *model.item_embedding.parameters()]
        self.sparse_optimizer = torch.optim.SparseAdam(sparse, lr=1e-2)
        self.dense_optimizer = torch.optim.Adam(model.mlp.parameters(), lr=1e-3)
        self.criterion = nn.BCEWithLogitsLoss()

    def epoch(self, loader):
        self.model.train()
        total = 0.0
        for user, item, clicked in loader:
            self.sparse_optimizer.zero_grad()
            self.dense_optimizer.zero_grad()
            loss = self.criterion(self.model(user, item), clicked)
            loss.backward()
            self.sparse_optimizer.step()
            self.dense_optimizer.step()
            total += loss.item()
        return total / len(loader)


if __name__ == "__main__":
    torch.manual_seed(0)
    interactions = TensorDataset(
        torch.randint(0, 500, (128,)), torch.randint(0, 300, (128,)), torch.randint(0, 2, (128,)).float()
    )
    trainer = Trainer(Recommender())
    loader = DataLoader(interactions, batch_size=32, shuffle=True)
    for epoch in range(2):
        print(f"epoch {epoch}: {trainer.epoch(loader):.4f}")
