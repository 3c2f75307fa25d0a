# expect: blockage *model.*bias
import torch
import torch.nn.functional as F
from torch import nn


class SentimentCNN(nn.Module):
    def __init__(self, vocabulary=60, width=16, classes=3):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.convolution = nn.Conv1d(width, 24, kernel_size=3, padding=1)
        self.hidden = nn.Linear(24, 24)
        self.output = nn.Linear(24, classes)

    def forward(self, tokens):
        features = torch.relu(self.convolution(self.embedding(tokens).transpose(1, 2)))
        return self.output(torch.tanh(self.hidden(features.mean(dim=2))))


def parameter_groups(model, weight_decay):
    """Biases are not decayed."""
    named = model.named_parameters()  # <- blame
    decayed = [p for name, p in named if not name.endswith("bias")]
    undecayed = [p for name, p in named if name.endswith("bias")]  # <- blame
    return [{"params": decayed, "weight_decay": weight_decay}, {"params": undecayed, "weight_decay": 0.0}]


def train_epoch(model, optimizer, batches):
    model.train()
    total = 0.0
    for tokens, labels in batches:
        optimizer.zero_grad(set_to_none=True)
        loss = F.cross_entropy(model(tokens), labels)
        loss.backward()
        optimizer.step()
        total += loss.item()
    return total / len(batches)


def main():
    torch.manual_seed(11)
    model = SentimentCNN()
    optimizer = torch.optim.AdamW(parameter_groups(model, weight_decay=0.05), lr=2e-3)
    batches = [(torch.randint(0, 60, (8, 12)), torch.randint(0, 3, (8,))) for _ in range(3)]
    for epoch in range(2):
        print(epoch, train_epoch(model, optimizer, batches))


if __name__ == "__main__":
    main()
