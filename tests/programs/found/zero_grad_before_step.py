# expect: blockage *
import torch
from torch import nn


class Loop:
    def __init__(self, model, lr=0.05):
        self.model = model
        self.opt = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9)
        self.history = []

    def before_step(self):
        self.opt.zero_grad()  # <- blame

    def after_step(self):
        self.history.append(float(self.loss.detach()))

    def run(self, x, y, steps):
        for _ in range(steps):
            i = torch.randint(0, len(x), (16,))
            self.loss = nn.functional.mse_loss(self.model(x[i]), y[i])
            self.loss.backward()
            self.before_step()
            self.opt.step()
            self.after_step()


torch.manual_seed(21)
net = nn.Sequential(nn.Linear(4, 12), nn.Tanh(), nn.Linear(12, 1))
x = torch.randn(60, 4); y = x.sum(1, keepdim=True)
loop = Loop(net)
loop.run(x, y, 8)
print(loop.history)
