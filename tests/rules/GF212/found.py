# expect: blockage encoder.*
import torch
from torch import nn


@torch.jit.script
def distance(a: torch.Tensor, b: torch.Tensor) -> torch.Tensor:
    return (a - b).square().mean()


torch.manual_seed(22)
encoder, decoder = nn.Linear(8, 4), nn.Linear(4, 8)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)

for step in range(5):
    x = torch.randn(32, 8)
    loss = distance(decoder(encoder(x).detach()), x)
    optimizer.zero_grad()
    loss.backward()  # <- blame
    optimizer.step()
    print(step, loss.item())
