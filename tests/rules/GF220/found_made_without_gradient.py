# options: --trainable words
# expect: blockage words.*
import torch
from torch import nn

torch.manual_seed(29)
words = nn.Embedding.from_pretrained(torch.randn(30, 8))  # <- blame
head = nn.Linear(8, 2)
optimizer = torch.optim.Adam([*words.parameters(), *head.parameters()], lr=1e-2)

for step in range(5):
    tokens = torch.randint(0, 30, (16, 6))
    loss = nn.functional.cross_entropy(head(words(tokens).mean(1)), tokens[:, 0] % 2)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
