import torch
import torch.nn as nn

torch.manual_seed(42)

vocabulary, batch_size, window = 30, 4, 12
text = torch.randint(0, vocabulary, (batch_size, 73))


class CharacterModel(nn.Module):
    def __init__(self, hidden=32, layers=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, 16)
        self.lstm = nn.LSTM(16, hidden, num_layers=layers, batch_first=True, dropout=0.1)
        self.output = nn.Linear(hidden, vocabulary)

    def forward(self, tokens, state):
        features, state = self.lstm(self.embedding(tokens), state)
        return self.output(features), state

    def initial_state(self, batch):
        zeros = torch.zeros(self.lstm.num_layers, batch, self.lstm.hidden_size)
        return zeros, zeros.clone()


def repackage(state):
    """Cut the history off, so that the gradient goes back no further than this window."""
    return tuple(part.detach() for part in state)


model = CharacterModel()
criterion = nn.CrossEntropyLoss()
optimizer = torch.optim.SGD(model.parameters(), lr=1.0)

model.train()
hidden = model.initial_state(batch_size)
for start in range(0, text.size(1) - 1 - window, window):
    inputs = text[:, start : start + window]
    targets = text[:, start + 1 : start + 1 + window]
    hidden = repackage(hidden)
    optimizer.zero_grad()
    logits, hidden = model(inputs, hidden)
    loss = criterion(logits.reshape(-1, vocabulary), targets.reshape(-1))
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.25)
    optimizer.step()
    print(f"position {start:3d}  perplexity {loss.exp().item():.2f}")
