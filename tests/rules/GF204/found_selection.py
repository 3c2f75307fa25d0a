# expect: blockage gate.*
import torch
from torch import nn

torch.manual_seed(31)
gate = nn.Linear(6, 1)
encoder, head = nn.Linear(6, 8), nn.Linear(8, 2)
optimizer = torch.optim.Adam([*gate.parameters(), *encoder.parameters(), *head.parameters()], lr=0.01)


def pooled(frames):
    score = torch.sigmoid(gate(frames)).squeeze(-1)
    best, order = score.sort(dim=1, descending=True)
    chosen = order[:, :3].unsqueeze(-1).expand(-1, -1, 8)
    kept = torch.gather(encoder(frames), 1, chosen)  # <- blame
    return kept.mean(1)


for step in range(4):
    frames = torch.randn(12, 9, 6)
    wanted = (frames.mean((1, 2)) > 0).long()
    loss = nn.functional.cross_entropy(head(pooled(frames)), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
