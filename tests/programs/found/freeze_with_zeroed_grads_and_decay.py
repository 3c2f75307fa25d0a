# expect: leak *stem.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)


class Tagger(nn.Module):
    def __init__(self, d=16, k=6):
        super().__init__()
        self.stem = nn.Sequential(nn.Linear(12, d), nn.Tanh())
        self.head = nn.Linear(d, k)

    def forward(self, x):
        return self.head(self.stem(x))


def train_one_epoch(model, optimizer, n=4):
    for _ in range(n):
        x = torch.randn(24, 12)
        y = x[:, :6].argmax(-1)
        loss = F.cross_entropy(model(x), y)
        optimizer.zero_grad(set_to_none=False)  # <- blame
        loss.backward()
        optimizer.step()  # <- blame
    return loss.item()


model = Tagger()
optimizer = torch.optim.AdamW(model.parameters(), lr=5e-3, weight_decay=0.05)
for epoch in range(3):
    if epoch == 1:
        # stage two: stem stays where it is, polish the head only
        for p in model.stem.parameters():
            p.requires_grad = False  # <- blame
        after_freeze = model.stem[0].weight.detach().clone()
    print("epoch", epoch, "loss", train_one_epoch(model, optimizer))
