import torch
from torch import nn

torch.manual_seed(32)
attention = nn.Linear(16, 1)
reader = nn.Linear(16, 3)
optimizer = torch.optim.SGD([*attention.parameters(), *reader.parameters()], lr=0.1)

for step in range(5):
    tokens, y = torch.randn(32, 9, 16), torch.randint(0, 3, (32,))
    weights = attention(tokens).softmax(1)  # adding one number to all scores changes nothing
    loss = nn.functional.cross_entropy(reader((weights * tokens).sum(1)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
