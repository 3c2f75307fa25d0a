import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Model(nn.Module):
    def __init__(self, classes=6):
        super().__init__()
        self.backbone = nn.Sequential(nn.Linear(30, 64), nn.LayerNorm(64), nn.ReLU(), nn.Linear(64, 32), nn.ReLU())
        self.classifier = nn.Linear(32, classes)

    def forward(self, x):
        return self.classifier(self.backbone(x))


def run_phase(name, model, loader, optimizer, epochs):
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
            hits = sum((model(inputs).argmax(1) == labels).sum().item() for inputs, labels in loader)
        print(f"{name} epoch {epoch}: loss {loss.item():.4f} accuracy {hits / len(loader.dataset):.2f}")


def main():
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.randn(48, 30), torch.randint(0, 6, (48,))), batch_size=24, shuffle=True)
    model = Model()

    # phase one: the new classifier alone
    for parameter in model.backbone.parameters():
        parameter.requires_grad = False
    head_optimizer = torch.optim.Adam(model.classifier.parameters(), lr=1e-2)
    run_phase("head", model, loader, head_optimizer, epochs=2)

    # phase two: everything, gently
    for parameter in model.backbone.parameters():
        parameter.requires_grad = True
    model.zero_grad(set_to_none=True)
    full_optimizer = torch.optim.Adam(model.parameters(), lr=1e-4)
    run_phase("full", model, loader, full_optimizer, epochs=2)


if __name__ == "__main__":
    main()
