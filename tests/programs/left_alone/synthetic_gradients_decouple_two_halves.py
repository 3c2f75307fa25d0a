"""Decoupled neural interfaces: the lower half learns from predicted gradients, the predictor from the true ones."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(31)

lower = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
upper = nn.Sequential(nn.Linear(24, 24), nn.ReLU(), nn.Linear(24, 4))
predictor = nn.Sequential(nn.Linear(24 + 4, 48), nn.ReLU(), nn.Linear(48, 24))
nn.init.normal_(predictor[-1].weight, std=1e-2)
lower_opt = torch.optim.Adam(lower.parameters(), lr=1e-3)
upper_opt = torch.optim.Adam(upper.parameters(), lr=1e-3)
predictor_opt = torch.optim.Adam(predictor.parameters(), lr=1e-3)

for step in range(6):
    y = torch.randint(0, 4, (32,))
    x = torch.randn(32, 10) + F.one_hot(y, 10)

    h = lower(x)
    with torch.no_grad():
        guess = predictor(torch.cat([h, F.one_hot(y, 4).float()], 1))
    lower_opt.zero_grad()
    h.backward(guess)
    lower_opt.step()

    message = h.detach().requires_grad_()
    loss = F.cross_entropy(upper(message), y)
    upper_opt.zero_grad()
    loss.backward()
    upper_opt.step()

    true_gradient = message.grad.detach()
    synthetic = predictor(torch.cat([message.detach(), F.one_hot(y, 4).float()], 1))
    predictor_loss = F.mse_loss(synthetic, true_gradient)
    predictor_opt.zero_grad()
    predictor_loss.backward()
    predictor_opt.step()
    print(step, loss.item(), predictor_loss.item())
