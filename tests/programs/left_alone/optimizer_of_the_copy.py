import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class Trainer:
    def __init__(self, model, lr=1e-2, decay=0.95):
        self.model = model
        self.shadow = copy.deepcopy(model)
        self.shadow.requires_grad_(False)
        self.decay = decay
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr, momentum=0.9)

    @torch.no_grad()
    def update_shadow(self):
        for s, p in zip(self.shadow.parameters(), self.model.parameters()):
            s.mul_(self.decay).add_(p, alpha=1 - self.decay)

    def run(self, steps):
        for i in range(steps):
            x = torch.randn(32, 6)
            y = x.prod(1, keepdim=True).tanh()
            loss = F.mse_loss(self.model(x), y)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.update_shadow()
            print(i, loss.item())


torch.manual_seed(87)
trainer = Trainer(nn.Sequential(nn.Linear(6, 32), nn.ReLU(), nn.Linear(32, 1)))
trainer.run(6)
