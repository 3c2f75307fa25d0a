import copy

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def build_model(width=32):
    return nn.Sequential(
        nn.Linear(10, width),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Linear(width, width),
        nn.ReLU(),
        nn.Dropout(0.0),
        nn.Linear(width, 2),
    )


def with_dropout(model, rate):
    """Return the model with the dropout rate of this run; the one given is left as it is."""
    model = copy.deepcopy(model)
    for module in model.modules():
        if isinstance(module, nn.Dropout):
            module.p = rate
    return model


def run(rate, lr, epochs):
    model = build_model()
    model = with_dropout(model, rate)
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)
    x = torch.randn(36, 10)
    loader = DataLoader(TensorDataset(x, (x.sum(dim=1) > 0).long()), batch_size=12, shuffle=True)
    criterion = nn.CrossEntropyLoss()
    for epoch in range(epochs):
        model.train()
        for inputs, labels in loader:
            loss = criterion(model(inputs), labels)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(x).argmax(dim=1) == (x.sum(dim=1) > 0)).float().mean()
        print(f"rate {rate} epoch {epoch} loss {loss.item():.3f} accuracy {accuracy:.2f}")


if __name__ == "__main__":
    torch.manual_seed(5)
    run(rate=0.2, lr=0.05, epochs=2)
