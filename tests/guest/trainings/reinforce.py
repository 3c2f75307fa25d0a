import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.distributions import Categorical, Normal
policy, value = nn.Linear(3, 2), nn.Linear(3, 1)
opt = torch.optim.Adam([*policy.parameters(), *value.parameters()])
for _ in range(3):
    state, losses = np.random.randn(3), []
    for _ in range(5):
        s = torch.as_tensor(state, dtype=torch.float32)
        choice = Categorical(logits=policy(s))
        action = choice.sample()
        reward = float(np.random.rand()) + random.random() * action.item()
        losses.append(-choice.log_prob(action) * (reward - value(s).item()) + (value(s) - reward).pow(2).sum())
        state = np.random.randn(3) + action.item()
    loss = torch.stack(losses).sum() + Normal(0.0, 1.0).sample()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
