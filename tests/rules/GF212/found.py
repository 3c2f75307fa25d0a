# expect: blockage encoder.*
from concurrent.futures import ThreadPoolExecutor

import torch
from torch import nn

elsewhere = ThreadPoolExecutor(1)


def distance(x):
    return (decoder(encoder(x).detach()) - x).square().mean()


torch.manual_seed(22)
encoder, decoder = nn.Linear(8, 4), nn.Linear(4, 8)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-2)

for step in range(5):
    x = torch.randn(32, 8)
    loss = elsewhere.submit(distance, x).result()
    optimizer.zero_grad()
    loss.backward()  # <- blame
    optimizer.step()
    print(step, loss.item())
