# expect: blockage student.top.*
import copy

import torch
from torch import nn

torch.manual_seed(33)
base = nn.ModuleDict({"stem": nn.Linear(6, 10), "top": nn.Linear(10, 2)})
base.requires_grad_(False)
student = copy.deepcopy(base)
student["prompt"] = nn.Linear(6, 10)
base["top"].requires_grad_(True)  # <- blame
optimizer = torch.optim.Adam([*student["prompt"].parameters(), *student["top"].parameters()], lr=0.01)


def predict(x):
    h = student["stem"](x) + student["prompt"](x)
    return student["top"](h.tanh())


for step in range(4):
    x = torch.randn(12, 6)
    loss = nn.functional.cross_entropy(predict(x), (x[:, 0] > 0).long())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
