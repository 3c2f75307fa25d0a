# expect: leak *embed.*
import torch
import torch.nn as nn
import torch.nn.functional as F


class DPTrainer:
    def __init__(self, model, lr=0.05, sigma=0.3, max_norm=1.0):
        self.model, self.sigma, self.max_norm = model, sigma, max_norm
        self.optimizer = torch.optim.SGD(model.parameters(), lr=lr)

    def add_noise(self, batch_size):
        for group in self.optimizer.param_groups:
            for p in group["params"]:
                noise = torch.randn_like(p) * self.sigma * self.max_norm / batch_size
                p.grad = noise if p.grad is None else p.grad + noise  # <- blame

    def train_step(self, ids, y):
        loss = F.cross_entropy(self.model(ids), y)
        self.optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(self.model.parameters(), self.max_norm)
        self.add_noise(len(y))
        self.optimizer.step()
        return loss.item()


class BagOfWords(nn.Module):
    def __init__(self, vocab=40, dim=12, classes=3):
        super().__init__()
        self.embed = nn.EmbeddingBag(vocab, dim)
        self.embed.weight.requires_grad = False       # public vectors, not private data
        self.mlp = nn.Sequential(nn.Linear(dim, 16), nn.ReLU(), nn.Linear(16, classes))

    def forward(self, ids):
        return self.mlp(self.embed(ids))


torch.manual_seed(19)
trainer = DPTrainer(BagOfWords())
for i in range(6):
    ids = torch.randint(0, 40, (16, 7))
    print(i, trainer.train_step(ids, ids[:, 0] % 3))
