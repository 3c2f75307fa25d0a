"""Linear probing of a small ViT: everything but the classifier `fc` is to stay fixed."""
# options: --frozen 'vit.blocks' --frozen 'vit.patch'
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(61)
DIM = 16


class Mlp(nn.Module):
    def __init__(self, dim, hidden):
        super().__init__()
        self.fc1 = nn.Linear(dim, hidden)
        self.fc2 = nn.Linear(hidden, dim)

    def forward(self, x):
        return self.fc2(F.gelu(self.fc1(x)))


class Block(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.norm1, self.norm2 = nn.LayerNorm(dim), nn.LayerNorm(dim)
        self.attn = nn.MultiheadAttention(dim, 2, batch_first=True)
        self.mlp = Mlp(dim, 2 * dim)

    def forward(self, x):
        y = self.norm1(x)
        x = x + self.attn(y, y, y, need_weights=False)[0]
        return x + self.mlp(self.norm2(x))


class ViT(nn.Module):
    def __init__(self, classes):
        super().__init__()
        self.patch = nn.Conv2d(1, DIM, 4, 4)
        self.blocks = nn.Sequential(Block(DIM), Block(DIM))
        self.fc = nn.Linear(DIM, classes)

    def forward(self, image):
        x = self.patch(image).flatten(2).transpose(1, 2)
        return self.fc(self.blocks(x).mean(1))


vit = ViT(classes=3)
for name, param in vit.named_parameters():
    param.requires_grad = name.startswith("fc.")
trainable = [p for p in vit.parameters() if p.requires_grad]
print(f"{sum(p.numel() for p in trainable)} trainable weights")
optimizer = torch.optim.SGD(trainable, lr=0.05, momentum=0.9)

for step in range(5):
    label = torch.randint(0, 3, (12,))
    image = torch.randn(12, 1, 8, 8) * 0.3 + label.view(-1, 1, 1, 1)
    loss = F.cross_entropy(vit(image), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
