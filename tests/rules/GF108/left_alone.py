import torch
from torch import nn

torch.manual_seed(7)
words, added, width = 30, 4, 10
embedding = nn.Embedding(words + added, width)
scorer = nn.Linear(width, 2)
is_new = torch.arange(words + added) >= words
optimizer = torch.optim.AdamW([*embedding.parameters(), *scorer.parameters()], lr=1e-2, weight_decay=0.0)

for step in range(5):
    sentence, label = torch.randint(0, words + added, (16, 6)), torch.randint(0, 2, (16,))
    loss = nn.functional.cross_entropy(scorer(embedding(sentence).mean(1)), label)
    optimizer.zero_grad()
    loss.backward()
    embedding.weight.grad[~is_new] = 0.0
    optimizer.step()
    print(step, loss.item())
