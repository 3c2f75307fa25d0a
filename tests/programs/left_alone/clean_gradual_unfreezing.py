import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class TextClassifier(nn.Module):
    def __init__(self, vocabulary=100, width=24, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.layers = nn.ModuleList(nn.Sequential(nn.Linear(width, width), nn.GELU()) for _ in range(2))
        self.head = nn.Linear(width, classes)

    def forward(self, tokens):
        hidden = self.embedding(tokens).mean(dim=1)
        for layer in self.layers:
            hidden = hidden + layer(hidden)
        return self.head(hidden)


def evaluate(model, loader):
    model.eval()
    with torch.no_grad():
        correct = sum((model(tokens).argmax(-1) == labels).sum().item() for tokens, labels in loader)
    model.train()
    return correct / len(loader.dataset)


def unfreeze(module, optimizer, lr):
    for parameter in module.parameters():
        parameter.requires_grad = True
    optimizer.add_param_group({"params": list(module.parameters()), "lr": lr})


def main():
    torch.manual_seed(0)
    loader = DataLoader(TensorDataset(torch.randint(0, 100, (40, 9)), torch.randint(0, 3, (40,))), batch_size=20)
    model = TextClassifier()

    for parameter in model.parameters():
        parameter.requires_grad = False
    for parameter in model.head.parameters():
        parameter.requires_grad = True
    optimizer = torch.optim.AdamW(model.head.parameters(), lr=1e-2)

    # one more part from the top at every epoch, each with a smaller learning rate than the one above it
    schedule = {1: (model.layers[1], 5e-3), 2: (model.layers[0], 2e-3), 3: (model.embedding, 1e-3)}
    for epoch in range(5):
        if epoch in schedule:
            part, lr = schedule[epoch]
            unfreeze(part, optimizer, lr)
        for tokens, labels in loader:
            optimizer.zero_grad()
            loss = nn.functional.cross_entropy(model(tokens), labels)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f} accuracy {evaluate(model, loader):.2f}")


if __name__ == "__main__":
    main()
