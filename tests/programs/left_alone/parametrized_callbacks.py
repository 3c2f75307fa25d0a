"""Weight/spectral norm and an orthogonal parametrization, trainer with callbacks, DataParallel wrapper."""
import torch
from torch import nn
from torch.nn.utils.parametrizations import orthogonal, spectral_norm, weight_norm


class Callback:
    def on_epoch_begin(self, tr): ...
    def on_after_backward(self, tr): ...
    def on_epoch_end(self, tr): ...


class ClipGrad(Callback):
    def __init__(self, v): self.v = v
    def on_after_backward(self, tr):
        self.norm = nn.utils.clip_grad_norm_(tr.net.parameters(), self.v).item()


class Validate(Callback):
    def __init__(self, x, y): self.x, self.y = x, y
    def on_epoch_end(self, tr):
        tr.net.eval()
        with torch.no_grad():
            print(tr.epoch, "val", tr.loss_fn(tr.net(self.x), self.y).item())
        tr.net.train()


class LinearWarmup(Callback):
    def __init__(self, n, lr): self.n, self.lr = n, lr
    def on_epoch_begin(self, tr):
        for g in tr.opt.param_groups:
            g["lr"] = self.lr * min(1.0, tr.epoch / self.n)        # epoch 0 runs at lr 0


class Trainer:
    def __init__(self, net, callbacks):
        self.net = nn.DataParallel(net)
        self.opt = torch.optim.SGD(self.net.parameters(), lr=0.0, momentum=0.9)
        self.loss_fn, self.cbs, self.epoch = nn.HuberLoss(), callbacks, 0

    def emit(self, name):
        for cb in self.cbs:
            getattr(cb, name)(self)

    def fit(self, x, y, epochs):
        for self.epoch in range(epochs):
            self.emit("on_epoch_begin")
            for i in torch.randperm(len(x)).split(40):
                self.opt.zero_grad()
                self.loss_fn(self.net(x[i]), y[i]).backward()
                self.emit("on_after_backward")
                self.opt.step()
            self.emit("on_epoch_end")


torch.manual_seed(55)
net = nn.Sequential(
    weight_norm(nn.Linear(6, 16)), nn.Tanh(), spectral_norm(nn.Linear(16, 16)), nn.Tanh(),
    orthogonal(nn.Linear(16, 16)), nn.Tanh(), nn.Linear(16, 1))
x = torch.randn(120, 6); y = x[:, :2].sum(1, keepdim=True)
Trainer(net, [LinearWarmup(2, 0.1), ClipGrad(1.0), Validate(x[:30], y[:30])]).fit(x, y, 5)
