# expect: leak *target*
import random
from collections import deque
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
random.seed(0)


class DQNAgent:
    def __init__(self, obs_dim, n_act, gamma=0.97, sync_every=4):
        self.q = nn.Sequential(nn.Linear(obs_dim, 32), nn.ReLU(), nn.Linear(32, n_act))
        self.target = self.q  # <- blame
        self.opt = torch.optim.Adam(self.q.parameters(), lr=1e-3)
        self.gamma, self.sync_every, self.updates = gamma, sync_every, 0
        self.memory = deque(maxlen=500)

    def learn(self, batch):
        s, a, r, s2 = (torch.stack(c) for c in zip(*batch))
        with torch.no_grad():
            y = r + self.gamma * self.target(s2).max(1).values
        q = self.q(s).gather(1, a.view(-1, 1)).squeeze(1)
        loss = F.smooth_l1_loss(q, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % self.sync_every == 0:
            self.target.load_state_dict(self.q.state_dict())
        return loss.item()


agent = DQNAgent(4, 3)
s = torch.randn(4)
for t in range(80):
    a = torch.randint(3, ())
    s2 = 0.9 * s + 0.1 * torch.randn(4)
    agent.memory.append((s, a, s2[a], s2))
    s = s2
for u in range(10):
    print(u, round(agent.learn(random.sample(agent.memory, 32)), 4))
