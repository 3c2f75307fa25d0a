import torch
import torch.nn.functional as F
from torch import nn


class Captioner(nn.Module):
    def __init__(self, vocab=25, width=16):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(10, width), nn.Tanh(), nn.Linear(width, width))
        self.start = nn.Embedding(vocab, width)
        self.decoder = nn.GRUCell(width, width)
        self.vocabulary = nn.Linear(width, vocab)

    def forward(self, features, previous_word):
        return self.vocabulary(self.decoder(self.start(previous_word), self.encoder(features)))


class CaptionTrainer:
    def __init__(self, model, train_encoder=False):
        self.model = model
        self.model.encoder.requires_grad_(train_encoder)
        self.optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3, weight_decay=0.05)

    def step(self, features, previous_word, next_word):
        loss = F.cross_entropy(self.model(features, previous_word), next_word)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main():
    torch.manual_seed(24)
    trainer = CaptionTrainer(Captioner(), train_encoder=False)
    for step in range(4):
        words = torch.randint(0, 25, (2, 12))
        print(f"step {step}: {trainer.step(torch.randn(12, 10), words[0], words[1]):.4f}")


if __name__ == "__main__":
    main()
