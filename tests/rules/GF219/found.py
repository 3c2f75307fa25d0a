# expect: blockage scorer.*
import torch
from torch import nn

torch.manual_seed(19)
scorer = nn.Linear(6, 4)
table = nn.Embedding(4, 8)
reader = nn.Linear(8, 2)
optimizer = torch.optim.Adam([*scorer.parameters(), *table.parameters(), *reader.parameters()], lr=1e-2)


def choose(x):
    scores = scorer(x)
    soft = scores.softmax(1)
    hard = nn.functional.one_hot(soft.argmax(1), 4).float()
    choice = hard + soft - soft.detach()
    chosen = hard @ table.weight  # <- blame
    balance = (soft.mean(0) - 0.25).pow(2).sum()
    return chosen, balance


for step in range(5):
    x = torch.randn(16, 6)
    chosen, balance = choose(x)
    loss = nn.functional.cross_entropy(reader(chosen), (x[:, 0] > 0).long()) + 0.1 * balance
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
