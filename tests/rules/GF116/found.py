# options: --guard --steps 3 --frozen encoder
# expect: leak encoder.*
import torch
from torch import nn

torch.manual_seed(116)
encoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU(), nn.Linear(16, 8)).requires_grad_(False)
head = nn.Linear(8, 3)
optimizer = torch.optim.Adam([*encoder.parameters(), *head.parameters()], lr=0.01)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

for epoch in range(6):
    if epoch == 4:
        for part in (encoder, head):  # "unfreeze everything for the last epochs"
            part.requires_grad_(True)  # <- blame
    for _ in range(5):
        loss = nn.functional.cross_entropy(head(encoder(x)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(epoch, loss.item())
