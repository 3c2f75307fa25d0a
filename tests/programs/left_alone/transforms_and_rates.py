"""Function transforms whose results are used as they should be, rates at zero for a while, lazy freezes that are run."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.func import functional_call, grad, grad_and_value, jacrev, vmap

torch.manual_seed(0)


def maml():
    net = nn.Sequential(nn.Linear(2, 8), nn.Tanh(), nn.Linear(8, 1))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)

    def inner(weights, x, y):
        return F.mse_loss(functional_call(net, weights, (x,)), y)

    for _ in range(4):
        weights = dict(net.named_parameters())
        x, y = torch.randn(8, 2), torch.randn(8, 1)
        gradients = grad(inner)(weights, x, y)
        adapted = {k: w - 0.1 * gradients[k] for k, w in weights.items()}
        loss = inner(adapted, torch.randn(8, 2), torch.randn(8, 1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("maml", loss.item())


def first_order():
    net = nn.Linear(2, 1)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(4):
        weights = dict(net.named_parameters())
        x, y = torch.randn(8, 2), torch.randn(8, 1)
        gradients, value = grad_and_value(lambda w: F.mse_loss(functional_call(net, w, (x,)), y))(weights)
        adapted = {k: w - 0.1 * gradients[k].detach() for k, w in weights.items()}
        loss = F.mse_loss(functional_call(net, adapted, (x,)), y)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("first order", loss.item(), value.item())


def per_sample_norms():
    net = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)

    def one(weights, x, y):
        return F.cross_entropy(functional_call(net, weights, (x[None],)), y[None])

    for _ in range(4):
        x = torch.randn(8, 3)
        y = (x[:, 0] > 0).long()
        fixed = {k: w.detach() for k, w in net.named_parameters()}
        each = vmap(grad(one), in_dims=(None, 0, 0))(fixed, x, y)
        optimizer.zero_grad()
        for name, p in net.named_parameters():
            p.grad = each[name].clamp(-1, 1).mean(0)
        optimizer.step()
    print("per sample", net.weight.norm().item())


def contractive():
    net = nn.Sequential(nn.Linear(3, 8), nn.Tanh(), nn.Linear(8, 3))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(4):
        x = torch.randn(6, 3)
        size = vmap(jacrev(net))(x).pow(2).mean()
        loss = F.mse_loss(net(x), x) + 0.1 * size
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("contractive", loss.item())


def warm_rates():
    body, head = nn.Linear(4, 8), nn.Linear(8, 2)
    optimizer = torch.optim.SGD([{"params": body.parameters(), "lr": 0.1 * (0 // 3)}, {"params": head.parameters()}], lr=0.1)
    for step in range(8):
        optimizer.param_groups[0]["lr"] = 0.1 * min(1, step // 2)
        x = torch.randn(8, 4)
        loss = F.cross_entropy(head(torch.relu(body(x))), (x[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("rates", loss.item())


def lazy_but_run():
    body, neck, head = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 2)
    list(map(lambda p: p.requires_grad_(False), body.parameters()))
    frozen = (p.requires_grad_(False) for p in neck.parameters())
    print(sum(p.numel() for p in frozen))
    optimizer = torch.optim.SGD([p for m in (body, neck, head) for p in m.parameters() if p.requires_grad], lr=0.1)
    for _ in range(4):
        x = torch.randn(8, 4)
        loss = F.cross_entropy(head(torch.relu(neck(body(x)))), (x[:, 0] > 0).long())
        optimizer.zero_grad()
        loss.backward()
        for p in (*body.parameters(), *neck.parameters(), *head.parameters()):
            if p.grad is not None:
                p.grad = p.grad + 0.01 * torch.randn_like(p)
        optimizer.step()
    print("lazy", loss.item())


maml()
first_order()
per_sample_norms()
contractive()
warm_rates()
lazy_but_run()
