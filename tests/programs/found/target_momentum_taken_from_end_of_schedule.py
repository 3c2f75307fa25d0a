# expect: blockage *target.*
import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def mlp(inputs, hidden, outputs):
    return nn.Sequential(nn.Linear(inputs, hidden), nn.LeakyReLU(0.1), nn.Linear(hidden, outputs))


def momentum_schedule(base, steps):
    """Rise from the base to one along half a cosine, as in BYOL."""
    return [1 - (1 - base) * (math.cos(math.pi * step / steps) + 1) / 2 for step in range(steps + 1)]


def regression_loss(prediction, target):
    return 2 - 2 * F.cosine_similarity(prediction, target, dim=-1).mean()


def pretrain(online, predictor, target, data, steps, base_momentum):
    optimizer = torch.optim.Adam([*online.parameters(), *predictor.parameters()], lr=3e-3)
    schedule = momentum_schedule(base_momentum, steps)
    for step in range(steps):
        first, second = data + 0.1 * torch.randn_like(data), data + 0.1 * torch.randn_like(data)
        with torch.no_grad():
            first_target, second_target = target(first), target(second)
        loss = regression_loss(predictor(online(first)), second_target)
        loss = loss + regression_loss(predictor(online(second)), first_target)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

        momentum = schedule[-1]  # <- blame
        with torch.no_grad():
            for slow, fast in zip(target.parameters(), online.parameters(), strict=True):
                slow.mul_(momentum).add_(fast, alpha=1 - momentum)
        print(f"step {step} loss {loss.item():.4f} momentum {momentum:.4f}")


def main():
    torch.manual_seed(59)
    online, predictor = mlp(12, 32, 16), mlp(16, 32, 16)
    target = copy.deepcopy(online)
    for parameter in target.parameters():
        parameter.requires_grad = False
    pretrain(online, predictor, target, torch.randn(16, 12), steps=6, base_momentum=0.96)


if __name__ == "__main__":
    main()
