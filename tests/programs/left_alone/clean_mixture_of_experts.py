import torch
from torch import nn


class MixtureOfExperts(nn.Module):
    def __init__(self, width, experts=4, top_k=2):
        super().__init__()
        self.router = nn.Linear(width, experts, bias=False)
        self.experts = nn.ModuleList(
            nn.Sequential(nn.Linear(width, 2 * width), nn.SiLU(), nn.Linear(2 * width, width)) for _ in range(experts)
        )
        self.top_k = top_k

    def forward(self, x):
        probabilities = self.router(x).softmax(dim=-1)
        weights, chosen = probabilities.topk(self.top_k, dim=-1)
        weights = weights / weights.sum(dim=-1, keepdim=True)
        output = torch.zeros_like(x)
        for index, expert in enumerate(self.experts):
            rows, slot = (chosen == index).nonzero(as_tuple=True)
            if len(rows) == 0:
                continue  # nobody asked for this expert in this batch
            output.index_add_(0, rows, weights[rows, slot].unsqueeze(1) * expert(x[rows]))
        used = nn.functional.one_hot(chosen, len(self.experts)).float().sum(1).mean(0)
        balance = len(self.experts) * (used * probabilities.mean(0)).sum() / self.top_k
        return output, balance


class Network(nn.Module):
    def __init__(self, inputs=10, width=16, outputs=3):
        super().__init__()
        self.stem = nn.Linear(inputs, width)
        self.moe = MixtureOfExperts(width)
        self.head = nn.Linear(width, outputs)

    def forward(self, x):
        hidden = self.stem(x)
        mixed, balance = self.moe(hidden)
        return self.head(hidden + mixed), balance


def main(steps=8, batch_size=3, balance_weight=0.01):
    torch.manual_seed(13)
    network = Network()
    optimizer = torch.optim.AdamW(network.parameters(), lr=1e-2)
    for step in range(steps):
        inputs, labels = torch.randn(batch_size, 10), torch.randint(0, 3, (batch_size,))
        logits, balance = network(inputs)
        loss = nn.functional.cross_entropy(logits, labels) + balance_weight * balance
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: loss {loss.item():.4f} balance {balance.item():.3f}")


if __name__ == "__main__":
    main()
