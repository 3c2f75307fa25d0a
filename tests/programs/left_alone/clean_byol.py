import copy
import math

import torch
import torch.nn.functional as F
from torch import nn


def mlp(dim_in, dim_hidden, dim_out, bias):
    hidden = [nn.Linear(dim_in, dim_hidden, bias=False), nn.BatchNorm1d(dim_hidden), nn.ReLU()]
    return nn.Sequential(*hidden, nn.Linear(dim_hidden, dim_out, bias=bias))


class Encoder(nn.Module):
    def __init__(self, width=16, projection=32):
        super().__init__()
        self.stem = nn.Conv2d(3, width, 3, stride=2, padding=1, bias=False)
        self.bn = nn.BatchNorm2d(width)
        self.block = nn.Conv2d(width, width * 2, 3, stride=2, padding=1)
        self.projector = mlp(width * 2, 64, projection, bias=False)

    def forward(self, x):
        h = F.relu(self.bn(self.stem(x)))
        return self.projector(F.relu(self.block(h)).mean(dim=(2, 3)))


class BYOL:
    def __init__(self, total_steps, base_tau=0.99, lr=3e-3):
        self.online = Encoder()
        self.predictor = mlp(32, 64, 32, bias=True)
        self.target = copy.deepcopy(self.online)
        for p in self.target.parameters():
            p.requires_grad = False
        self.base_tau, self.total_steps, self.step_count = base_tau, total_steps, 0
        params = list(self.online.parameters()) + list(self.predictor.parameters())
        self.optimizer = torch.optim.AdamW(params, lr=lr, weight_decay=1e-4)

    @property
    def tau(self):
        return 1 - (1 - self.base_tau) * (math.cos(math.pi * self.step_count / self.total_steps) + 1) / 2

    def regression_loss(self, x, y):
        return 2 - 2 * F.cosine_similarity(x, y, dim=-1)

    @torch.no_grad()
    def update_target(self):
        for online_param, target_param in zip(self.online.parameters(), self.target.parameters()):
            target_param.data = self.tau * target_param.data + (1 - self.tau) * online_param.data

    def train_step(self, view1, view2):
        pred1 = self.predictor(self.online(view1))
        pred2 = self.predictor(self.online(view2))
        with torch.no_grad():
            target1 = self.target(view1)
            target2 = self.target(view2)
        loss = (self.regression_loss(pred1, target2) + self.regression_loss(pred2, target1)).mean()

        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        self.update_target()
        self.step_count += 1
        return loss.item()


def augment(images):
    flipped = torch.where(torch.rand(len(images), 1, 1, 1) < 0.5, images.flip(-1), images)
    return flipped + 0.1 * torch.randn_like(images)


if __name__ == "__main__":
    torch.manual_seed(3)
    data = torch.rand(96, 3, 16, 16)
    steps_per_epoch, epochs = 3, 2
    learner = BYOL(total_steps=steps_per_epoch * epochs)
    for epoch in range(epochs):
        for images in data[torch.randperm(len(data))].split(32):
            loss = learner.train_step(augment(images), augment(images))
        print(f"epoch {epoch} loss {loss:.4f} tau {learner.tau:.5f}")
