import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SpeechClassifier(nn.Module):
    def __init__(self, n_mels=20, hidden=24, n_classes=6):
        super().__init__()
        self.encoder = nn.GRU(n_mels, hidden, batch_first=True)
        self.pool = nn.Linear(hidden, hidden)
        self.classifier = nn.Linear(hidden, n_classes)

    def forward(self, mels):
        states, _ = self.encoder(mels)
        return self.classifier(torch.tanh(self.pool(states.mean(dim=1))))


def build_model(freeze_encoder=True):
    model = SpeechClassifier()
    if freeze_encoder:
        for p in model.encoder.parameters():
            p.requires_grad = False
    return model


def prepare_for_training(model):
    for p in model.classifier.parameters():
        p.requires_grad = True
    model.train()
    return torch.optim.AdamW(model.parameters(), lr=3e-4, weight_decay=0.01)


def main():
    torch.manual_seed(0)
    model = build_model(freeze_encoder=True)
    data = TensorDataset(torch.randn(32, 12, 20), torch.randint(0, 6, (32,)))
    loader = DataLoader(data, batch_size=8, shuffle=True)
    optimizer = prepare_for_training(model)
    criterion = nn.CrossEntropyLoss()
    for mels, labels in loader:
        optimizer.zero_grad()
        loss = criterion(model(mels), labels)
        loss.backward()
        optimizer.step()
        print("loss", round(loss.item(), 4))


if __name__ == "__main__":
    main()
