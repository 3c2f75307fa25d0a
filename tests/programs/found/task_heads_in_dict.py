# expect: blockage *heads.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(59)
TASKS = {"age": 1, "income": 1, "region": 4}


class Tabular(nn.Module):
    def __init__(self, n_in=11, d=24):
        super().__init__()
        self.trunk = nn.Sequential(nn.Linear(n_in, d), nn.SiLU(), nn.Linear(d, d), nn.SiLU())
        self.heads = {}  # <- blame
        for task, n_out in TASKS.items():
            self.heads[task] = nn.Linear(d, n_out)  # <- blame

    def forward(self, x):
        h = self.trunk(x)
        return {t: self.heads[t](h) for t in TASKS}


class Lit:
    def __init__(self):
        self.model = Tabular()
        self.optimizer = self.configure_optimizers()

    def configure_optimizers(self):
        return torch.optim.Adam(self.model.parameters(), lr=1e-3)

    def training_step(self, x, y):
        out = self.model(x)
        return (F.mse_loss(out["age"], y["age"]) + F.mse_loss(out["income"], y["income"])
                + F.cross_entropy(out["region"], y["region"]))

    def fit(self, n):
        for i in range(n):
            x = torch.randn(32, 11)
            y = {"age": x[:, :1], "income": x[:, 1:2] * 2, "region": x[:, 2:6].argmax(1)}
            loss = self.training_step(x, y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(i, loss.item())


Lit().fit(6)
