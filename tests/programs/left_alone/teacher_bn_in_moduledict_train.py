import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(90)


def convnet(width):
    return nn.Sequential(nn.Conv2d(1, width, 3, padding=1), nn.BatchNorm2d(width), nn.ReLU(),
                         nn.AdaptiveAvgPool2d(2), nn.Flatten(), nn.Linear(width * 4, 5))


nets = nn.ModuleDict({"teacher": convnet(16), "student": convnet(6)})
for p in nets["teacher"].parameters():
    p.requires_grad_(False)
nets["teacher"].eval()
optimizer = torch.optim.Adam(nets["student"].parameters(), lr=3e-3)


def train_epoch(loader):
    nets["student"].train()
    for img in loader:
        with torch.no_grad():
            soft = nets["teacher"](img).softmax(1)
        loss = F.kl_div(nets["student"](img).log_softmax(1), soft, reduction="batchmean")
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    return loss.item()


def evaluate(img):
    nets.eval()
    with torch.no_grad():
        return (nets["teacher"](img).argmax(1) == nets["student"](img).argmax(1)).float().mean().item()


loader = [torch.rand(12, 1, 8, 8) * (i + 1) for i in range(3)]
for epoch in range(2):
    print(epoch, train_epoch(loader), evaluate(torch.rand(20, 1, 8, 8)))
