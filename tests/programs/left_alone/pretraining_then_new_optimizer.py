import torch
import torch.nn.functional as F
from torch import nn

encoder = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
decoder, classifier = nn.Linear(16, 8), nn.Linear(16, 2)
optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=1e-3)
for _ in range(5):
    x = torch.randn(16, 8)
    loss = F.mse_loss(decoder(encoder(x)), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
finetune = torch.optim.SGD([*encoder.parameters(), *classifier.parameters()], lr=1e-3)
for _ in range(5):
    x = torch.randn(16, 8)
    loss = F.cross_entropy(classifier(encoder(x)), (x[:, 0] > 0).long())
    finetune.zero_grad()
    loss.backward()
    finetune.step()
