# expect: blockage *router.*
import torch
from torch import nn
from torch.nn import functional as F


class TopTwoMixture(nn.Module):
    def __init__(self, width=10, experts=4, balance_weight=0.1):
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(nn.Linear(width, width) for _ in range(experts))
        self.balance_weight = balance_weight
        self.balance = None

    def balance_loss(self, probabilities, chosen):
        load = F.one_hot(chosen, probabilities.size(-1)).float().mean(dim=(0, 1))
        importance = probabilities.detach().mean(dim=0)  # <- blame
        return probabilities.size(-1) * (load * importance).sum()

    def forward(self, x):
        probabilities = self.router(x).softmax(dim=-1)
        weights, chosen = probabilities.topk(2, dim=-1)
        self.balance = self.balance_loss(probabilities, chosen)
        outputs = torch.stack([expert(x) for expert in self.experts], dim=1)
        picked = outputs.gather(1, chosen.unsqueeze(-1).expand(-1, -1, x.size(-1)))
        return x + (weights.unsqueeze(-1) * picked).sum(dim=1)


class MixtureRegressor(nn.Module):
    def __init__(self):
        super().__init__()
        self.mixture = TopTwoMixture()
        self.readout = nn.Linear(10, 1)

    def forward(self, x):
        return self.readout(torch.relu(self.mixture(x)))


def main():
    torch.manual_seed(0)
    model = MixtureRegressor()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(5):
        x = torch.randn(32, 10)
        task = F.mse_loss(model(x), x.abs().sum(1, keepdim=True))
        loss = task + model.mixture.balance_weight * model.mixture.balance  # <- blame
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step} task {task.item():.4f} balance {model.mixture.balance.item():.4f}")


if __name__ == "__main__":
    main()
