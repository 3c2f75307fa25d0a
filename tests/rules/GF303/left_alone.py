import warnings

import torch
import torch.nn.functional as F
from torch import nn

warnings.simplefilter("ignore")  # torch says that the group holds a parameter twice
embedding = nn.Embedding(20, 8)
mixer = nn.Linear(8, 8)
readout = nn.Linear(8, 20, bias=False)
readout.weight = embedding.weight
parameters = [*embedding.parameters(), *mixer.parameters()]
optimizer = torch.optim.SGD(parameters, lr=0.1)
for _ in range(5):
    tokens = torch.randint(0, 20, (12,))
    loss = F.cross_entropy(readout(mixer(embedding(tokens))), tokens)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
