# expect: leak *world.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(66)
Z, A = 8, 2


class WorldModel(nn.Module):
    def __init__(self):
        super().__init__()
        self.dyn = nn.GRUCell(A, Z)
        self.rew = nn.Linear(Z, 1)

    def imagine(self, z, a):
        z = self.dyn(a, z)
        return z, self.rew(z).squeeze(-1)


world = WorldModel()
policy = nn.Sequential(nn.Linear(Z, 24), nn.ELU(), nn.Linear(24, A), nn.Tanh())
wm_opt = torch.optim.Adam(world.parameters(), lr=1e-3)
pi_opt = torch.optim.Adam(policy.parameters(), lr=1e-3)


def actor_objective(z, horizon=4):
    total = 0.0
    for _ in range(horizon):
        z, r = world.imagine(z, policy(z))  # <- blame
        total = total + r.mean()
    return -total


for step in range(6):
    z, a = torch.randn(16, Z), torch.rand(16, A) * 2 - 1
    z_next, r_pred = world.imagine(z, a)
    model_loss = F.mse_loss(r_pred, (z[:, :A] * a).sum(1)) + F.mse_loss(z_next, 0.9 * z)
    actor_loss = actor_objective(z)
    wm_opt.zero_grad()
    pi_opt.zero_grad()
    (model_loss + actor_loss).backward()  # <- blame
    wm_opt.step()
    pi_opt.step()
    print(step, model_loss.item(), actor_loss.item())
