import torch
from torch import nn
from torch.nn import functional as F


class TextEncoder(nn.Module):
    def __init__(self, vocabulary=40, width=16):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.gru = nn.GRU(width, width, batch_first=True)

    def forward(self, tokens):
        return self.gru(self.embedding(tokens))[0][:, -1]


def training_loss(encoder, head, tokens, labels):
    features = F.normalize(encoder(tokens), dim=-1)
    return F.cross_entropy(head(features), labels)


def main():
    torch.manual_seed(5)
    encoder, head = TextEncoder(), nn.Linear(16, 4)
    optimizer = torch.optim.Adam(
        [{"params": encoder.parameters(), "lr": 1e-4}, {"params": head.parameters(), "lr": 1e-2}]
    )
    encoder.train()
    for step in range(5):
        tokens, labels = torch.randint(0, 40, (8, 7)), torch.randint(0, 4, (8,))
        loss = training_loss(encoder, head, tokens, labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
