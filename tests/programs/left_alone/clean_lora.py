import math

import torch
import torch.nn as nn

torch.manual_seed(0)


class LoRALinear(nn.Module):
    def __init__(self, base: nn.Linear, rank: int = 4, alpha: float = 8.0):
        super().__init__()
        self.base = base
        self.base.weight.requires_grad = False
        if self.base.bias is not None:
            self.base.bias.requires_grad = False
        self.lora_A = nn.Parameter(torch.empty(rank, base.in_features))
        self.lora_B = nn.Parameter(torch.zeros(base.out_features, rank))
        nn.init.kaiming_uniform_(self.lora_A, a=math.sqrt(5))
        self.scaling = alpha / rank

    def forward(self, x):
        return self.base(x) + (x @ self.lora_A.T @ self.lora_B.T) * self.scaling


class Classifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(20, 64)
        self.fc2 = nn.Linear(64, 64)
        self.fc3 = nn.Linear(64, 4)

    def forward(self, x):
        x = torch.relu(self.fc1(x))
        x = torch.relu(self.fc2(x))
        return self.fc3(x)


model = Classifier()
for param in model.parameters():
    param.requires_grad = False
model.fc1 = LoRALinear(model.fc1)
model.fc2 = LoRALinear(model.fc2)
model.fc3 = LoRALinear(model.fc3)

trainable = [p for p in model.parameters() if p.requires_grad]
total = sum(p.numel() for p in model.parameters())
print(f"trainable: {sum(p.numel() for p in trainable)} of {total}")

optimizer = torch.optim.AdamW(trainable, lr=1e-3)
criterion = nn.CrossEntropyLoss()
X = torch.randn(96, 20)
y = torch.randint(0, 4, (96,))

for epoch in range(2):
    for i in range(0, len(X), 32):
        optimizer.zero_grad()
        loss = criterion(model(X[i : i + 32]), y[i : i + 32])
        loss.backward()
        optimizer.step()
    print(f"epoch {epoch}: {loss.item():.4f}")
