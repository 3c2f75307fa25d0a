import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(5)


def build_encoder():
    enc = nn.Sequential(nn.Linear(20, 32), nn.GELU(), nn.Linear(32, 16))
    gen = torch.Generator().manual_seed(1)
    for p in enc.parameters():
        p.data = torch.randn(p.shape, generator=gen) * 0.1   # "pretrained"
    return enc


class Classifier(nn.Module):
    def __init__(self, encoder, n_classes):
        super().__init__()
        self.encoder = encoder
        self.fc = nn.Linear(16, n_classes)

    def forward(self, x):
        return self.fc(self.encoder(x))


encoder = build_encoder()
encoder.eval()
for param in encoder.parameters():
    param.requires_grad = False

model = Classifier(encoder, 3)
optimizer = torch.optim.SGD(model.fc.parameters(), lr=0.05)
for i in range(6):
    x = torch.randn(16, 20)
    y = (x.sum(1) > 0).long() + (x[:, 0] > 1).long()
    loss = F.cross_entropy(model(x), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(i, loss.item())
