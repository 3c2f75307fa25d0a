import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(79)
N_CLASS = 6


class CLIPish(nn.Module):
    def __init__(self, d=12):
        super().__init__()
        self.image_tower = nn.Sequential(nn.Linear(20, 32), nn.ReLU(), nn.Linear(32, d))
        self.text_tower = nn.EmbeddingBag(30, d)
        self.logit_scale = nn.Parameter(torch.tensor(1.5))

    def class_embeddings(self, prompts):
        return F.normalize(self.text_tower(prompts), dim=-1)

    def forward(self, img, prompts):
        v = F.normalize(self.image_tower(img), dim=-1)
        t = self.class_embeddings(prompts)
        return self.logit_scale.exp() * v @ t.T


prompts = torch.stack([torch.tensor([0, 1, 5 + 2 * c, 6 + 2 * c]) for c in range(N_CLASS)])
model = CLIPish()
optimizer = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=0.0)
for step in range(6):
    y = torch.randint(0, N_CLASS, (24,))
    img = torch.randn(24, 20) + 2 * F.one_hot(y, 20)
    loss = F.cross_entropy(model(img, prompts), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
