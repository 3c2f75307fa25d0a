import torch
from torch import nn
from torch.func import functional_call, grad

torch.manual_seed(0)

learner = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
loss_net = nn.Sequential(nn.Linear(2, 16), nn.Softplus(), nn.Linear(16, 1, bias=False), nn.Softplus())
meta_optimizer = torch.optim.Adam(
    [{"params": learner.parameters(), "lr": 1e-3}, {"params": loss_net.parameters(), "lr": 1e-3}]
)
inner_lr = 0.1


def inner_loss(weights, x, y):
    prediction = functional_call(learner, weights, (x,))
    return loss_net(torch.cat([prediction, y], dim=1)).mean()


def adapt(x, y):
    weights = dict(learner.named_parameters())
    gradients = grad(inner_loss)(weights, x, y)
    return {name: weight - inner_lr * gradients[name] for name, weight in weights.items()}


for episode in range(5):
    direction = torch.randn(4, 1)
    x = torch.randn(32, 4)
    y = torch.tanh(x @ direction)
    adapted = adapt(x[:16], y[:16])
    query = functional_call(learner, adapted, (x[16:],))
    loss = nn.functional.mse_loss(query, y[16:])
    meta_optimizer.zero_grad()
    loss.backward()
    meta_optimizer.step()
    print(f"episode {episode} query loss {loss.item():.4f}")
