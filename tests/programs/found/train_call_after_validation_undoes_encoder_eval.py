# expect: leak *encoder.*running_*
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Forecaster(nn.Module):
    def __init__(self, window=24, horizon=3):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(window, 16, bias=False), nn.BatchNorm1d(16), nn.Tanh())
        self.head = nn.Sequential(nn.Linear(16, 16), nn.Dropout(0.1), nn.Tanh(), nn.Linear(16, horizon))

    def forward(self, series):
        return self.head(self.encoder(series))


@torch.no_grad()
def evaluate(model, loader):
    model.eval()
    errors = [F.l1_loss(model(x), y).item() for x, y in loader]
    model.train()  # <- blame
    return sum(errors) / len(errors)


def train(model, train_loader, valid_loader, epochs=4):
    model.train()
    model.encoder.requires_grad_(False)
    model.encoder.eval()
    optimizer = torch.optim.AdamW(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
    for epoch in range(epochs):
        for x, y in train_loader:
            loss = F.mse_loss(model(x), y)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} train {loss.item():.4f} valid {evaluate(model, valid_loader):.4f}")


if __name__ == "__main__":
    torch.manual_seed(38)
    train_set = TensorDataset(torch.randn(16, 24), torch.randn(16, 3))
    valid_set = TensorDataset(torch.randn(8, 24), torch.randn(8, 3))
    train(Forecaster(), DataLoader(train_set, batch_size=8), DataLoader(valid_set, batch_size=8))
