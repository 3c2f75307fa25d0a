import copy
import torch
import torch.nn as nn


class Agent:
    def __init__(self, o, a):
        self.q_net = nn.Sequential(nn.Linear(o, 24), nn.ReLU(), nn.Linear(24, a))
        self.target_net = copy.deepcopy(self.q_net)
        self.opt = torch.optim.Adam(self.q_net.parameters(), lr=2e-3)
        self.updates = 0

    def learn(self, s, a, r, s2):
        with torch.no_grad():
            y = r + 0.9 * self.target_net(s2).max(1).values
        q = self.q_net(s).gather(1, a.unsqueeze(1)).squeeze(1)
        loss = nn.functional.smooth_l1_loss(q, y)
        self.opt.zero_grad()
        loss.backward()
        self.opt.step()
        self.updates += 1
        if self.updates % 5 == 0:
            self.target_net.load_state_dict(self.q_net.state_dict())
        return loss.item()


torch.manual_seed(5)
agent = Agent(4, 3)
for t in range(15):
    s = torch.randn(32, 4)
    a = torch.randint(0, 3, (32,))
    print(t, agent.learn(s, a, (s.argmax(1) == a).float(), torch.randn(32, 4)))
