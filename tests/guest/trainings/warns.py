import random
import sys
import warnings

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

class Own(nn.Module):
    def forward(self, x):
        warnings.warn("for the caller of forward", stacklevel=2)
        warnings.warn("for the caller of the module", stacklevel=4)
        return F.mse_loss(x, torch.ones(2))
def old():
    warnings.warn("old() is old", DeprecationWarning, stacklevel=2)
own = Own()
net = nn.Linear(2, 1)
opt = torch.optim.SGD(net.parameters(), lr=0.1)
sched = torch.optim.lr_scheduler.StepLR(opt, 1)
sched.step()
for _ in range(3):
    F.mse_loss(torch.ones(2, 1), torch.ones(2))
    F.mse_loss(torch.ones(2, 1), torch.ones(2))
    F.softmax(torch.ones(2))
    F.softmax(torch.ones(3)); F.softmax(torch.ones(3))
    torch.ones(2, 3, 4).T
    torch.ones(2, 3, 4).T
    torch.nn.functional.sigmoid(torch.ones(1)); F.tanh(torch.ones(2))
    own(torch.ones(2, 1))
    old(); old()
    x = torch.ones(3, requires_grad=True); y = x * 2; y.grad
    z = (x * 2).grad
    opt.zero_grad(); net(torch.ones(1, 2)).sum().backward(create_graph=True); opt.step()
    torch.tensor(torch.ones(2))
    torch.tensor(x)
    a = torch.empty(1); torch.add(torch.ones(2), 1, out=a)
    a = torch.empty(1); torch.add(torch.ones(2), 1, out=a)
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    nn.MultiheadAttention(4, 1)(torch.ones(2,1,4), torch.ones(2,1,4), torch.ones(2,1,4), attn_mask=torch.ones(2,2,dtype=torch.bool), key_padding_mask=torch.zeros(1,2))
with warnings.catch_warnings(record=True) as held:
    warnings.simplefilter("always")
    F.mse_loss(torch.ones(2, 1), torch.ones(2)); torch.ones(2, 3, 4).T
    a = torch.empty(1); torch.add(torch.ones(2), 1, out=a)
    own(torch.ones(2, 1)); old()
    (x * 2).grad
    F.softmax(torch.ones(2))
for w in held: print(w.category.__name__, w.filename.rsplit("/")[-1], w.lineno, str(w.message)[:50], w.line, w.file, w.source)
with warnings.catch_warnings():
    warnings.simplefilter("error")
    for f in (lambda: F.mse_loss(torch.ones(2, 1), torch.ones(2)), lambda: torch.ones(2, 3, 4).T, old,
              lambda: torch.add(torch.ones(2), 1, out=torch.empty(1)), lambda: (x*2).grad, lambda: F.softmax(torch.ones(2)), lambda: own(torch.ones(2,1))):
        try: f(); print("no error")
        except Warning as error: print(repr(error)[:60])
with warnings.catch_warnings():
    warnings.filterwarnings("ignore"); warnings.filterwarnings("always", module="__main__"); 
    torch.add(torch.ones(2), 1, out=torch.empty(1)); (x*2).grad
    warnings.filterwarnings("ignore", module="__main__"); 
    torch.add(torch.ones(2), 1, out=torch.empty(1)); (x*2).grad; F.softmax(torch.ones(2))
    warnings.filterwarnings("always", lineno=__import__('inspect').currentframe().f_lineno + 1)
    torch.add(torch.ones(2), 1, out=torch.empty(1))
    torch.add(torch.ones(2), 1, out=torch.empty(1)) 
print(sorted((k[0][:30], k[2]) for k in __warningregistry__ if k != "version"))
