# expect: blockage *attention.*
import torch
from torch import nn


class AttentionPooling(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.attention = nn.Sequential(nn.Linear(width, width), nn.Tanh(), nn.Linear(width, 1, bias=False))

    def forward(self, instances):
        weights = torch.softmax(self.attention(instances), dim=-1)  # <- blame
        return (weights * instances).sum(dim=1)


class BagClassifier(nn.Module):
    def __init__(self, inputs=12, width=16):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(inputs, width), nn.ReLU())
        self.pool = AttentionPooling(width)
        self.output = nn.Linear(width, 1)

    def forward(self, bag):
        return self.output(self.pool(self.embed(bag))).squeeze(-1)


def epoch(model, optimizer, bags):
    total = 0.0
    for bag, label in bags:
        optimizer.zero_grad()
        loss = nn.functional.binary_cross_entropy_with_logits(model(bag), label)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(bags)


if __name__ == "__main__":
    torch.manual_seed(0)
    model = BagClassifier()
    optimizer = torch.optim.AdamW(model.parameters(), lr=5e-4, weight_decay=0)
    bags = [(torch.randn(4, 9, 12), torch.randint(0, 2, (4,)).float()) for _ in range(3)]
    for i in range(2):
        print(f"epoch {i}: {epoch(model, optimizer, bags):.4f}")
