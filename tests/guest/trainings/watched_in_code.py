import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

import os

def train(net, opt, data, losses):
    for x in data:
        loss = net(x).pow(2).mean()
        opt.zero_grad(); loss.backward(); opt.step(); losses.append(loss.item())
net = nn.Sequential(nn.Linear(4, 8), nn.BatchNorm1d(8), nn.Dropout(0.5), nn.Linear(8, 1))
opt = torch.optim.AdamW(net.parameters())
data, losses = torch.randn(6, 8, 4), []
if os.environ.get("WATCHED_IN_CODE"):
    from gradcheck_freeze import diagnose, watch
    diagnose(net, lambda: net(data[0]).pow(2).mean(), opt)
    with watch(net, opt, steps=2) as flow:
        train(net, opt, data[:3], losses)
    assert flow.diagnosis.ok
    with watch(net, opt, after=1, every=1, guard=True) as flow:
        train(net, opt, data[3:], losses)
    assert flow.diagnosis.ok
    loss = net(data[0]).sum()
    diagnose({"net": net}, {"loss": loss}, opt)
    loss.backward()
    del flow, diagnose, watch
else:
    train(net, opt, data[:3], losses)
    train(net, opt, data[3:], losses)
    loss = net(data[0]).sum()
    loss.backward()
print(losses)
torch.save({"net": net.state_dict(), "opt": opt.state_dict()}, "end.pt")
