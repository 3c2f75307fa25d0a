# feature: sparse gradients of an embedding, SparseAdam
# group: Kinds of tensors
# level: traced
# known: Gradients and updates of the table, by value.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, table, critic = nn.Linear(4, 8), nn.Embedding(20, 8, sparse=True), nn.Embedding(5, 8, sparse=True)
opt = torch.optim.SGD(encoder.parameters(), lr=0.1)
held = [*table.parameters(), *critic.parameters()]
rows = torch.optim.SparseAdam(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); rows = torch.optim.SparseAdam([table.weight], lr=0.1)
for _ in range(3):
    hidden = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: hidden = encoder(torch.randn(16, 4))
    loss = (hidden * table(torch.randint(0, 20, (16,))) * critic(torch.randint(0, 5, (16,)))).pow(2).mean()
    opt.zero_grad(); rows.zero_grad()
    loss.backward()
    opt.step(); rows.step()
    print(loss.item())
