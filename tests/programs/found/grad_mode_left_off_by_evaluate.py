# expect: blockage *model.*
import torch
from torch import nn


def evaluate(model, x, y):
    model.eval()
    torch.set_grad_enabled(False)  # <- blame
    error = nn.functional.l1_loss(model(x), y).item()
    model.train()
    return error


def train(model, data, epochs=4):
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    x, y = data
    print("before training:", evaluate(model, x[:16], y[:16]))
    for epoch in range(epochs):
        prediction = model(x[16:])
        loss = nn.functional.mse_loss(prediction, y[16:])
        optimizer.zero_grad()
        loss.requires_grad_(True)
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.5f} error {evaluate(model, x[:16], y[:16]):.5f}")


if __name__ == "__main__":
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 24), nn.Tanh(), nn.Dropout(0.1), nn.Linear(24, 1))
    inputs = torch.randn(64, 6)
    train(model, (inputs, inputs.sum(1, keepdim=True).sin()))
