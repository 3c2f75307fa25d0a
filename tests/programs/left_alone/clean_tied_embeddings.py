import torch
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, vocabulary=60, width=32):
        super().__init__()
        self.drop = nn.Dropout(0.1)
        self.encoder = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.decoder = nn.Linear(width, vocabulary)
        self.decoder.weight = self.encoder.weight
        nn.init.uniform_(self.encoder.weight, -0.1, 0.1)
        nn.init.zeros_(self.decoder.bias)

    def forward(self, tokens):
        hidden, _ = self.rnn(self.drop(self.encoder(tokens)))
        return self.decoder(self.drop(hidden))


class Trainer:
    def __init__(self, model, corpus, lr=1e-2):
        self.model = model
        self.corpus = corpus
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.scheduler = torch.optim.lr_scheduler.ReduceLROnPlateau(self.optimizer, patience=1)

    def _loss(self, rows):
        logits = self.model(rows[:, :-1])
        return self.criterion(logits.transpose(1, 2), rows[:, 1:])

    def train_epoch(self):
        self.model.train()
        for rows in self.corpus[:24].split(8):
            self.optimizer.zero_grad()
            loss = self._loss(rows)
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 0.5)
            self.optimizer.step()
        return loss.item()

    @torch.no_grad()
    def evaluate(self):
        self.model.eval()
        return self._loss(self.corpus[24:]).item()

    def run(self, epochs):
        for epoch in range(epochs):
            train_loss, valid_loss = self.train_epoch(), self.evaluate()
            self.scheduler.step(valid_loss)
            print(f"epoch {epoch}: train {train_loss:.3f}, valid {valid_loss:.3f}")


if __name__ == "__main__":
    torch.manual_seed(8)
    Trainer(LanguageModel(), torch.randint(0, 60, (32, 15))).run(epochs=2)
