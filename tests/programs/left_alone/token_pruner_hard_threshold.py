import torch
from torch import nn


class TokenPruner(nn.Module):
    def __init__(self, width, threshold=0.5):
        super().__init__()
        self.scorer = nn.Sequential(nn.Linear(width, width // 2), nn.ReLU(), nn.Linear(width // 2, 1))
        self.threshold = threshold

    def forward(self, tokens):
        keep = torch.sigmoid(self.scorer(tokens))
        hard = (keep > self.threshold).float()
        mask = hard + keep - keep.detach()
        return tokens * mask, mask.mean()


class PrunedClassifier(nn.Module):
    def __init__(self, inputs=10, width=16, classes=3):
        super().__init__()
        self.embed = nn.Linear(inputs, width)
        self.pruner = TokenPruner(width)
        self.mixer = nn.TransformerEncoderLayer(width, 2, 32, dropout=0.0, batch_first=True)
        self.head = nn.Linear(width, classes)

    def forward(self, patches):
        tokens, kept = self.pruner(self.embed(patches))
        return self.head(self.mixer(tokens).mean(dim=1)), kept


def main():
    torch.manual_seed(9)
    model = PrunedClassifier()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    for step in range(4):
        patches, labels = torch.randn(8, 6, 10), torch.randint(0, 3, (8,))
        logits, kept = model(patches)
        loss = nn.functional.cross_entropy(logits, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"{step}: loss {loss.item():.4f}, kept {kept.item():.2f}")


if __name__ == "__main__":
    main()
