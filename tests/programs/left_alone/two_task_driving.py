import torch
import torch.nn as nn
import torch.nn.functional as F


class AutomaticWeightedLoss(nn.Module):
    """Weigh the losses of several tasks by learned uncertainties."""

    def __init__(self, num=2):
        super().__init__()
        self.params = nn.Parameter(torch.ones(num))

    def forward(self, *losses):
        total = 0
        for i, loss in enumerate(losses):
            total = total + 0.5 / (self.params[i] ** 2) * loss + torch.log(1 + self.params[i] ** 2)
        return total


class PerceptionNet(nn.Module):
    def __init__(self, channels=8):
        super().__init__()
        self.trunk = nn.Sequential(nn.Conv2d(3, channels, 3, padding=1), nn.ReLU(),
                                   nn.Conv2d(channels, channels, 3, padding=1), nn.ReLU())
        self.depth = nn.Conv2d(channels, 1, 1)
        self.segment = nn.Conv2d(channels, 4, 1)

    def forward(self, image):
        f = self.trunk(image)
        return self.depth(f), self.segment(f)


class Trainer:
    def __init__(self, net, balancer, lr):
        self.net = net
        self.balancer = balancer
        self.optimizer = torch.optim.Adam([
            {"params": self.net.parameters()},
            {"params": self.balancer.parameters(), "weight_decay": 0},
        ], lr=lr)

    def step(self, image, depth, label):
        pred_depth, pred_label = self.net(image)
        loss = self.balancer(F.l1_loss(pred_depth, depth), F.cross_entropy(pred_label, label))
        self.net.zero_grad()
        self.balancer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def batch(generator):
    image = torch.rand(4, 3, 8, 8, generator=generator)
    return image, image.mean(1, keepdim=True), (image[:, 0] * 3.99).long()


torch.manual_seed(0)
g = torch.Generator().manual_seed(1)
net = PerceptionNet()
balancer = AutomaticWeightedLoss(2)
trainer = Trainer(net, balancer, lr=3e-3)
for i in range(5):
    value = trainer.step(*batch(g))
    print(i, round(value, 5), [round(v, 4) for v in balancer.params.tolist()])
