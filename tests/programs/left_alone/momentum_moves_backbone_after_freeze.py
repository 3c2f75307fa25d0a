import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(16, 32), nn.Tanh(), nn.Linear(32, 32), nn.Tanh())
        self.head = nn.Linear(32, 3)

    def forward(self, x):
        return self.head(self.backbone(x))


def freeze(module):
    for p in module.parameters():
        p.requires_grad = False
        p.grad = None


def train_epoch(model, loader, optimizer):
    for x, y in loader:
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=False)
        loss.backward()
        optimizer.step()
    return loss.item()


def main(epochs=6, freeze_after=1):
    torch.manual_seed(14)
    model = Net()
    loader = DataLoader(TensorDataset(torch.randn(32, 16), torch.randint(0, 3, (32,))), batch_size=32)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9)
    for epoch in range(epochs):
        if epoch == freeze_after:
            freeze(model.backbone)
            print("backbone frozen")
        print(f"epoch {epoch}: {train_epoch(model, loader, optimizer):.4f}")


if __name__ == "__main__":
    main()
