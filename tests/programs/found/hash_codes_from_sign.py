# expect: blockage hasher.*
import torch
from torch import nn

torch.manual_seed(0)
bits, classes = 12, 5

hasher = nn.Sequential(nn.Linear(20, 40), nn.ReLU(), nn.Linear(40, bits))
classifier = nn.Linear(bits, classes)
opt = torch.optim.Adam(list(hasher.parameters()) + list(classifier.parameters()), lr=1e-2)


def hash_codes(x):
    return torch.sign(hasher(x))  # <- blame


def pairwise_loss(codes, labels):
    same = (labels[:, None] == labels[None, :]).float() * 2 - 1
    return (codes @ codes.t() / bits - same).pow(2).mean()


means = torch.randn(classes, 20)
for epoch in range(6):
    labels = torch.randint(0, classes, (32,))
    x = means[labels] + 0.2 * torch.randn(32, 20)
    codes = hash_codes(x)
    loss = pairwise_loss(codes, labels) + nn.functional.cross_entropy(classifier(codes), labels)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(f"epoch {epoch} loss {loss.item():.4f}")
