import torch
import torch.nn as nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_sequence
from torch.utils.data import DataLoader

PAD = 0


class SentimentModel(nn.Module):
    def __init__(self, vocab_size, embed_dim=24, hidden=32):
        super().__init__()
        self.embedding = nn.Embedding(vocab_size, embed_dim, padding_idx=PAD)
        self.lstm = nn.LSTM(embed_dim, hidden, batch_first=True, bidirectional=True)
        self.fc = nn.Linear(2 * hidden, 1)

    def forward(self, tokens, lengths):
        packed = pack_padded_sequence(self.embedding(tokens), lengths, batch_first=True, enforce_sorted=False)
        _, (hidden, _) = self.lstm(packed)
        return self.fc(torch.cat([hidden[-2], hidden[-1]], dim=1)).squeeze(1)


def collate(batch):
    sequences, labels = zip(*batch, strict=True)
    lengths = torch.tensor([len(sequence) for sequence in sequences])
    return pad_sequence(sequences, batch_first=True, padding_value=PAD), lengths, torch.tensor(labels)


class SentimentTrainer:
    def __init__(self, vocab_size):
        self.model = SentimentModel(vocab_size)
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=5e-3)
        self.criterion = nn.BCEWithLogitsLoss()

    def fit(self, loader, epochs):
        for epoch in range(epochs):
            self.model.train()
            total = 0.0
            for tokens, lengths, labels in loader:
                self.optimizer.zero_grad()
                loss = self.criterion(self.model(tokens, lengths), labels)
                loss.backward()
                nn.utils.clip_grad_norm_(self.model.parameters(), 5.0)
                self.optimizer.step()
                total += loss.item()
            print(f"epoch {epoch}: loss {total / len(loader):.4f}")


torch.manual_seed(0)
reviews = []
for index in range(40):
    length = int(torch.randint(3, 12, ()))
    reviews.append((torch.randint(1, 80, (length,)), float(index % 2)))  # real words start at 1

trainer = SentimentTrainer(vocab_size=80)
trainer.fit(DataLoader(reviews, batch_size=10, shuffle=True, collate_fn=collate), epochs=2)
