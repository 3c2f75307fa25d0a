"""DQN on a toy chain: hard target sync, Huber loss, no_grad bootstrap."""
import random
from collections import deque
import numpy as np
import torch
import torch.nn as nn

random.seed(0); np.random.seed(0); torch.manual_seed(0)


class Chain:
    n = 6
    def reset(self):
        self.s, self.t = 0, 0
        return self.obs()
    def obs(self):
        o = np.zeros(self.n, dtype=np.float32); o[self.s] = 1
        return o
    def step(self, a):
        self.s = min(self.n - 1, self.s + 1) if a == 1 else max(0, self.s - 1)
        self.t += 1
        done = self.s == self.n - 1 or self.t >= 20
        return self.obs(), float(self.s == self.n - 1), done


class Dueling(nn.Module):
    def __init__(self, n_obs, n_act):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(n_obs, 32), nn.Tanh())
        self.v, self.a = nn.Linear(32, 1), nn.Linear(32, n_act)
    def forward(self, x):
        h = self.body(x)
        adv = self.a(h)
        return self.v(h) + adv - adv.mean(-1, keepdim=True)


online, target = Dueling(6, 2), Dueling(6, 2)
target.load_state_dict(online.state_dict())
target.eval()
optim = torch.optim.Adam(online.parameters(), lr=2e-3)
buf = deque(maxlen=500)
env, obs, updates = Chain(), None, 0
obs = env.reset()
for t in range(160):
    eps = max(0.1, 1 - t / 100)
    if random.random() < eps:
        act = random.randrange(2)
    else:
        with torch.no_grad():
            act = online(torch.from_numpy(obs)).argmax().item()
    nxt, rew, done = env.step(act)
    buf.append((obs, act, rew, nxt, done))
    obs = env.reset() if done else nxt
    if len(buf) < 32 or t % 4:
        continue
    s, a, r, s2, d = (torch.as_tensor(np.array(v)) for v in zip(*random.sample(buf, 32)))
    q = online(s).gather(1, a[:, None]).squeeze(1)
    with torch.no_grad():
        best = online(s2).argmax(1, keepdim=True)              # double DQN
        y = r.float() + 0.97 * (1 - d.float()) * target(s2).gather(1, best).squeeze(1)
    loss = nn.functional.smooth_l1_loss(q, y)
    optim.zero_grad()
    loss.backward()
    nn.utils.clip_grad_value_(online.parameters(), 1.0)
    optim.step()
    updates += 1
    if updates % 8 == 0:
        target.load_state_dict(online.state_dict())
        print(t, loss.item())
