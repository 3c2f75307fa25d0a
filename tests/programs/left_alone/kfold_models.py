"""k-fold loop: fresh model, optimizer and plateau scheduler per fold; best state kept; ensemble at the end."""
import copy
import numpy as np
import torch
from torch import nn


def make_model():
    return nn.Sequential(nn.Linear(5, 16), nn.ReLU(), nn.BatchNorm1d(16), nn.Linear(16, 1))


def run_fold(x, y, tr, va, epochs=4):
    model = make_model()
    opt = torch.optim.AdamW(model.parameters(), lr=1e-2)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(opt, patience=1, factor=0.5)
    best = (float("inf"), None)
    for _ in range(epochs):
        model.train()
        for i in np.array_split(np.random.permutation(tr), 3):
            i = torch.from_numpy(i)
            loss = nn.functional.mse_loss(model(x[i]), y[i])
            opt.zero_grad()
            loss.backward()
            opt.step()
        model.eval()
        with torch.no_grad():
            v = nn.functional.mse_loss(model(x[va]), y[va]).item()
        plateau.step(v)
        if v < best[0]:
            best = (v, copy.deepcopy(model))
    return best


np.random.seed(54); torch.manual_seed(54)
x = torch.randn(120, 5); y = x.sum(1, keepdim=True).sin()
folds = np.array_split(np.random.permutation(120), 4)
members = []
for k, va in enumerate(folds):
    tr = np.concatenate([f for j, f in enumerate(folds) if j != k])
    score, member = run_fold(x, y, tr, torch.from_numpy(va))
    members.append(member.eval().requires_grad_(False))
    print("fold", k, score)
with torch.inference_mode():
    print("ensemble", nn.functional.mse_loss(torch.stack([m(x) for m in members]).mean(0), y).item())
