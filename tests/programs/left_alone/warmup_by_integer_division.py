import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR

torch.manual_seed(61)

BATCH_SIZE = 8
WARMUP_STEPS = 10
EPOCHS = 2


class CharacterModel(nn.Module):
    def __init__(self, vocabulary=30, width=20):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, vocabulary)

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        return self.output(states)


corpus = torch.randint(0, 30, (32, 11))
model = CharacterModel()
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
scheduler = LambdaLR(optimizer, lambda step: min(1, (step + 1) / WARMUP_STEPS))
criterion = nn.CrossEntropyLoss()

for epoch in range(EPOCHS):
    for batch in corpus.split(BATCH_SIZE):
        logits = model(batch[:, :-1])
        loss = criterion(logits.flatten(0, 1), batch[:, 1:].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        scheduler.step()
    print(f"epoch {epoch} loss {loss.item():.4f} lr {scheduler.get_last_lr()[0]:.2e}")
