# expect: blockage *lora_*
import torch
from torch import nn
from torch.nn import functional as F


class LoraLinear(nn.Module):
    def __init__(self, base, rank=4, alpha=8.0):
        super().__init__()
        self.base = base.requires_grad_(False)
        self.scaling = alpha / rank
        self.lora_a = nn.Parameter(torch.zeros(rank, base.in_features))  # <- blame
        self.lora_b = nn.Parameter(torch.zeros(base.out_features, rank))  # <- blame

    def forward(self, x):
        return self.base(x) + self.scaling * F.linear(F.linear(x, self.lora_a), self.lora_b)


def add_lora(model, rank):
    for name, child in model.named_children():
        if isinstance(child, nn.Linear):
            setattr(model, name, LoraLinear(child, rank))
        else:
            add_lora(child, rank)
    return model


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(12, 24)
        self.fc2 = nn.Linear(24, 24)
        self.norm = nn.LayerNorm(24)
        self.readout = nn.Parameter(torch.randn(4, 24) / 5)

    def forward(self, x):
        return self.norm(torch.relu(self.fc2(torch.relu(self.fc1(x))))) @ self.readout.t()


if __name__ == "__main__":
    torch.manual_seed(0)
    model = add_lora(Classifier(), rank=4)
    trainable = [p for p in model.parameters() if p.requires_grad]
    print("trainable:", sum(p.numel() for p in trainable))
    optimizer = torch.optim.AdamW(trainable, lr=1e-3, weight_decay=0.01)
    for step in range(6):
        x, y = torch.randn(16, 12), torch.randint(0, 4, (16,))
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: {loss.item():.4f}")
