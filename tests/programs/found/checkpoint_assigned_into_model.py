# expect: blockage *model.*
import torch
from torch import nn


class SequenceClassifier(nn.Module):
    def __init__(self, channels=5, hidden=16, classes=4):
        super().__init__()
        self.rnn = nn.GRU(channels, hidden, batch_first=True)
        self.classifier = nn.Linear(hidden, classes)

    def forward(self, sequences):
        _, last = self.rnn(sequences)
        return self.classifier(last[-1])


def pretrained_weights():
    """Stand in for a file that was downloaded."""
    generator = torch.Generator().manual_seed(99)
    return {
        name: torch.randn(p.shape, generator=generator) * 0.2 for name, p in SequenceClassifier().state_dict().items()
    }


def load_pretrained(model, weights):
    result = model.load_state_dict(weights, strict=True, assign=True)  # <- blame
    print("loaded:", result)


def train(model, optimizer, batches):
    criterion = nn.CrossEntropyLoss()
    model.train()
    for step, (sequences, labels) in enumerate(batches):
        optimizer.zero_grad()
        loss = criterion(model(sequences), labels)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        print(f"step {step}: loss {loss.item():.4f}")


def main():
    torch.manual_seed(0)
    model = SequenceClassifier()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)  # <- blame
    load_pretrained(model, pretrained_weights())
    train(model, optimizer, [(torch.randn(6, 9, 5), torch.randint(0, 4, (6,))) for _ in range(5)])


if __name__ == "__main__":
    main()
