# expect: leak *vectors.weight
import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class SentimentModel(nn.Module):
    def __init__(self, pretrained, hidden=16):
        super().__init__()
        self.vectors = nn.Embedding.from_pretrained(pretrained, freeze=True, max_norm=1.0)  # <- blame
        self.conv = nn.Conv1d(pretrained.shape[1], hidden, kernel_size=3, padding=1)
        self.out = nn.Linear(hidden, 2)

    def forward(self, tokens):
        words = self.vectors(tokens).transpose(1, 2)  # <- blame
        return self.out(torch.tanh(self.conv(words)).amax(dim=2))


def load_vectors(n_words=120, width=10):
    return torch.randn(n_words, width)


def train(model, loader, optimizer):
    for tokens, sentiment in loader:
        optimizer.zero_grad()
        loss = F.cross_entropy(model(tokens), sentiment)
        loss.backward()
        optimizer.step()
        print("loss:", round(loss.item(), 4))


def main():
    torch.manual_seed(41)
    model = SentimentModel(load_vectors())
    optimizer = torch.optim.Adam([p for p in model.parameters() if p.requires_grad], lr=1e-3)
    data = TensorDataset(torch.randint(0, 120, (20, 8)), torch.randint(0, 2, (20,)))
    train(model, DataLoader(data, batch_size=5), optimizer)


if __name__ == "__main__":
    main()
