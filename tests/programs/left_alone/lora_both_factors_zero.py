import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(107)


class LoRA(nn.Module):
    def __init__(self, linear, rank=3):
        super().__init__()
        self.linear = linear
        for p in self.linear.parameters():
            p.requires_grad = False
        self.lora_a = nn.Linear(linear.in_features, rank, bias=False)
        self.lora_b = nn.Linear(rank, linear.out_features, bias=False)
        self.reset_parameters()

    def reset_parameters(self):
        nn.init.normal_(self.lora_a.weight, std=0.1)
        nn.init.zeros_(self.lora_b.weight)

    def forward(self, x):
        return self.linear(x) + self.lora_b(self.lora_a(x))


def inject(module):
    for name, child in module.named_children():
        if isinstance(child, nn.Linear):
            setattr(module, name, LoRA(child))
        else:
            inject(child)


net = nn.Sequential(nn.Linear(10, 24), nn.ReLU(), nn.Linear(24, 24), nn.ReLU())
inject(net)
head = nn.Linear(24, 3)
trainable = [p for p in net.parameters() if p.requires_grad] + list(head.parameters())
opt = torch.optim.AdamW(trainable, lr=5e-3)
for i in range(6):
    x = torch.randn(32, 10)
    y = x[:, :3].argmax(1)
    loss = F.cross_entropy(head(net(x)), y)
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
