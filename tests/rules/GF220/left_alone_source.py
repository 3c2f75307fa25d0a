import copy

import torch
from torch import nn

torch.manual_seed(33)
base = nn.ModuleDict({"stem": nn.Linear(6, 10), "top": nn.Linear(10, 2)})
base.requires_grad_(False)
student = copy.deepcopy(base)
student["prompt"] = nn.Linear(6, 10)
optimizer = torch.optim.Adam([*student["prompt"].parameters(), *student["top"].parameters()], lr=0.01)


def predict(x):
    h = student["stem"](x) + student["prompt"](x)
    return student["top"](h.tanh())


for step in range(6):
    if step == 3:  # the prompt first, then the top with it
        student["top"].requires_grad_(True)
    x = torch.randn(12, 6)
    with torch.no_grad():
        taught = base["top"](base["stem"](x).tanh()).softmax(1)
    loss = nn.functional.cross_entropy(predict(x), (x[:, 0] > 0).long()) + nn.functional.kl_div(
        predict(x).log_softmax(1), taught, reduction="batchmean"
    )
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
base.requires_grad_(True)
