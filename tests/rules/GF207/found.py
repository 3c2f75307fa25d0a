# expect: blockage branches.*
import torch
from torch import nn

torch.manual_seed(17)
stem = nn.Linear(6, 12)
branches = [nn.Linear(12, 4) for _ in range(3)]  # <- blame
head = nn.Linear(12, 2)
model = nn.Sequential(stem, head)
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)  # <- blame

for step in range(5):
    x, y = torch.randn(16, 6), torch.randint(0, 2, (16,))
    h = stem(x).relu()
    loss = nn.functional.cross_entropy(head(torch.cat([branch(h) for branch in branches], 1)), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
