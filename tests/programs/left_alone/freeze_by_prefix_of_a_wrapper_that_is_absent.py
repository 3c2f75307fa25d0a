import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Autoencoder(nn.Module):
    def __init__(self, n_inputs=30, n_code=6):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(n_inputs, 20), nn.Tanh(), nn.Linear(20, n_code))
        self.decoder = nn.Sequential(nn.Linear(n_code, 20), nn.Tanh(), nn.Linear(20, n_inputs))

    def forward(self, x):
        return self.decoder(self.encoder(x))


def freeze_encoder(model):
    for name, param in model.named_parameters():
        if name.startswith("encoder."):
            param.requires_grad = False


def train(model, loader, epochs=2):
    freeze_encoder(model)
    model.encoder.eval()
    optimizer = torch.optim.RMSprop(filter(lambda p: p.requires_grad, model.parameters()), lr=1e-3)
    for epoch in range(epochs):
        for (x,) in loader:
            optimizer.zero_grad()
            loss = ((model(x) - x) ** 2).mean()
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    train(Autoencoder(), DataLoader(TensorDataset(torch.randn(24, 30)), batch_size=8))
