"""Dense prediction with a CLIP-like text tower that is held fixed by a learning rate of zero (lr_mult = 0)."""
# options: --frozen text_encoder
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
CLASSES, DIM, STEPS = 4, 16, 8


class TextEncoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.token_embedding = nn.Embedding(30, DIM)
        self.positional_embedding = nn.Parameter(0.02 * torch.randn(5, DIM))
        self.proj = nn.Linear(DIM, DIM)

    def forward(self, prompts):
        x = self.token_embedding(prompts) + self.positional_embedding
        return F.normalize(self.proj(x.mean(1)), dim=-1)


class Backbone(nn.Module):
    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, DIM, 3, padding=1)
        self.out = nn.Conv2d(DIM, DIM, 1)

    def forward(self, image):
        return F.normalize(self.out(F.gelu(self.stem(image))), dim=1)


text_encoder, backbone = TextEncoder(), Backbone()
prompts = torch.randint(0, 30, (CLASSES, 5))
base_lr = 3e-3
optimizer = torch.optim.AdamW(
    [
        {"params": backbone.parameters(), "lr": base_lr},
        {"params": text_encoder.parameters(), "lr": base_lr * 0.0},  # paramwise_cfg: text_encoder lr_mult=0
    ],
    weight_decay=0.0,
)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=[base_lr, 0.0], total_steps=STEPS)

for iteration in range(STEPS):
    image = torch.randn(4, 3, 8, 8)
    label = (image.sum(1) > 0).long() + 2 * (image[:, 0] > 0).long()
    scores = torch.einsum("bdhw,kd->bkhw", backbone(image), text_encoder(prompts)) / 0.07
    loss = F.cross_entropy(scores, label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    scheduler.step()
    print(iteration, round(loss.item(), 4))
