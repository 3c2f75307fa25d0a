"""Physics-informed net: Adam warm start, then LBFGS with strong Wolfe; derivatives by autograd.grad."""
import torch
from torch import nn

torch.manual_seed(50)
torch.set_default_dtype(torch.float64)
u = nn.Sequential(nn.Linear(1, 16), nn.Tanh(), nn.Linear(16, 16), nn.Tanh(), nn.Linear(16, 1))
log_k = nn.Parameter(torch.tensor(0.0))
params = [*u.parameters(), log_k]
xs = torch.linspace(0, 1, 24).unsqueeze(1).requires_grad_(True)
obs_x = torch.tensor([[0.0], [0.5], [1.0]])
obs_y = torch.exp(-2 * obs_x)


def losses():
    y = u(xs)
    dy, = torch.autograd.grad(y.sum(), xs, create_graph=True)
    residual = dy + log_k.exp() * y
    return residual.pow(2).mean(), (u(obs_x) - obs_y).pow(2).mean()


adam = torch.optim.Adam(params, lr=5e-3)
for step in range(10):
    adam.zero_grad()
    r, d = losses()
    (r + 10 * d).backward(inputs=params)
    adam.step()
print("adam", r.item(), d.item())

lbfgs = torch.optim.LBFGS(params, lr=1.0, max_iter=8, line_search_fn="strong_wolfe")


def closure():
    lbfgs.zero_grad()
    r, d = losses()
    loss = r + 10 * d
    loss.backward(inputs=params)
    return loss


for step in range(5):
    print("lbfgs", step, lbfgs.step(closure).item(), log_k.exp().item())
