import torch
import torch.nn as nn
import torch.nn.functional as F


IGNORE = -100
VOCAB = {w: i for i, w in enumerate(
    "<pad> <eos> ### Question: Answer: Response: what is the colour of sky grass blue green fire red snow white ?".split(" "))}


def tokenize(text):
    return [VOCAB[w] for w in text.split(" ")]


class CompletionCollator:
    """Keep the loss on what follows the response template."""

    def __init__(self, response_template):
        self.template = tokenize(response_template)

    def __call__(self, texts):
        rows = [tokenize(t) + [VOCAB["<eos>"]] for t in texts]
        width = max(map(len, rows))
        ids = torch.tensor([r + [VOCAB["<pad>"]] * (width - len(r)) for r in rows])
        labels = torch.full_like(ids, IGNORE)
        for i, row in enumerate(rows):
            n = len(self.template)
            for start in range(len(row) - n + 1):
                if row[start:start + n] == self.template:
                    labels[i, start + n:len(row)] = ids[i, start + n:len(row)]
        return ids, labels


class TinyLM(nn.Module):
    def __init__(self, dim=20):
        super().__init__()
        self.embed = nn.Embedding(len(VOCAB), dim)
        self.rnn = nn.LSTM(dim, dim, batch_first=True)
        self.head = nn.Linear(dim, len(VOCAB))

    def forward(self, ids):
        return self.head(self.rnn(self.embed(ids))[0])


def lm_loss(logits, labels):
    total = F.cross_entropy(logits[:, :-1].flatten(0, 1), labels[:, 1:].flatten(), ignore_index=IGNORE, reduction="sum")
    return total / (labels[:, 1:] != IGNORE).sum().clamp(min=1)


facts = [("sky", "blue"), ("grass", "green"), ("fire", "red"), ("snow", "white")]
texts = [f"### Question: what is the colour of {k} ? ### Answer: {v}" for k, v in facts]
torch.manual_seed(1)
collate = CompletionCollator(response_template="### Answer:")
policy = TinyLM()
optimizer = torch.optim.SGD(policy.parameters(), lr=0.5, momentum=0.9)
for epoch in range(4):
    ids, labels = collate(texts)
    loss = lm_loss(policy(ids), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print({"epoch": epoch, "loss": round(loss.item(), 4)})
