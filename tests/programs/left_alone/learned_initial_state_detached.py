import torch
from torch import nn


class CharModel(nn.Module):
    def __init__(self, characters=12, width=16):
        super().__init__()
        self.embedding = nn.Embedding(characters, width)
        self.gru = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, characters)
        self.initial_state = nn.Parameter(0.1 * torch.randn(1, 1, width))

    def start(self, batch):
        return self.initial_state.expand(-1, batch, -1).contiguous()

    def forward(self, characters, state):
        hidden, state = self.gru(self.embedding(characters), state)
        return self.output(hidden), state


class TruncatedTrainer:
    def __init__(self, model, window=8):
        self.model = model
        self.window = window
        self.optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
        self.criterion = nn.CrossEntropyLoss()

    def train_sequence(self, text):
        state = self.model.start(text.size(0))
        losses = []
        for begin in range(0, text.size(1) - 1, self.window):
            chunk = text[:, begin : begin + self.window + 1]
            logits, state = self.model(chunk[:, :-1], state)
            loss = self.criterion(logits.flatten(0, 1), chunk[:, 1:].flatten())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            state = state.detach()
            losses.append(loss.item())
        return losses


torch.manual_seed(0)
trainer = TruncatedTrainer(CharModel())
for epoch in range(2):
    print(epoch, [round(value, 3) for value in trainer.train_sequence(torch.randint(0, 12, (4, 25)))])
