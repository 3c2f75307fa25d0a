# options: --guard --steps 2
# expect: leak encoder.*
import torch
from torch import nn

torch.manual_seed(118)
encoder, head = nn.Linear(8, 8).requires_grad_(False), nn.Linear(8, 8)
optimizer = torch.optim.SGD([*head.parameters(), *encoder.parameters()], lr=0.05)
x, y = torch.randn(32, 8), torch.randn(32, 8)

for step in range(12):
    loss = nn.functional.mse_loss(head(encoder(x)), y)
    optimizer.zero_grad()
    loss.backward()
    if step >= 6:  # from now on the two share what they learn
        for p, q in zip(encoder.parameters(), head.parameters()):
            p.grad = q.grad.clone()
    optimizer.step()  # <- blame
print(loss.item())
