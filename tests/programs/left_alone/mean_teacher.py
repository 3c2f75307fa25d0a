"""Mean teacher for semi-supervised learning with consistency ramp-up from zero."""
import argparse, math
import torch, torch.nn as nn, torch.nn.functional as F

ap = argparse.ArgumentParser()
ap.add_argument("--epochs", type=int, default=4)
ap.add_argument("--consistency", type=float, default=5.0)
ap.add_argument("--ema-decay", type=float, default=0.95)
args = ap.parse_args([])


def create_model(ema=False):
    m = nn.Sequential(nn.Linear(6, 32, bias=False), nn.BatchNorm1d(32), nn.ReLU(), nn.Dropout(0.2), nn.Linear(32, 3))
    if ema:
        for p in m.parameters():
            p.detach_()
    return m


def sigmoid_rampup(cur, length):
    if length == 0:
        return 1.0
    ph = 1.0 - min(max(cur, 0.0), length) / length
    return 0.0 if cur == 0 else math.exp(-5 * ph * ph)


def update_ema(model, ema, alpha, step):
    alpha = min(1 - 1 / (step + 1), alpha)
    for e, p in zip(ema.parameters(), model.parameters()):
        e.data.mul_(alpha).add_(p.data, alpha=1 - alpha)


torch.manual_seed(18)
model, ema = create_model(), create_model(ema=True)
ema.load_state_dict(model.state_dict())
opt = torch.optim.SGD(model.parameters(), 0.05, momentum=0.9, nesterov=True, weight_decay=1e-4)
X = torch.randn(200, 6); Y = X[:, :3].argmax(1); Y[40:] = -1
step = 0
for epoch in range(args.epochs):
    model.train(); ema.train()
    for i in torch.randperm(200).split(50):
        x1 = X[i] + 0.1 * torch.randn(len(i), 6); x2 = X[i] + 0.1 * torch.randn(len(i), 6)
        with torch.no_grad():
            target = ema(x2).softmax(1)
        logit = model(x1)
        sup = F.cross_entropy(logit, Y[i], ignore_index=-1, reduction="sum") / len(i)
        w = args.consistency * sigmoid_rampup(epoch, 3)
        loss = sup + w * F.mse_loss(logit.softmax(1), target)
        opt.zero_grad(); loss.backward(); opt.step()
        step += 1
        update_ema(model, ema, args.ema_decay, step)
    model.eval(); ema.eval()
    with torch.no_grad():
        yt = X[:, :3].argmax(1)
        print(epoch, (model(X).argmax(1) == yt).float().mean().item(), (ema(X).argmax(1) == yt).float().mean().item())
