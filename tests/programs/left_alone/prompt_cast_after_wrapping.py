import torch
from torch import nn


class PromptedEncoder(nn.Module):
    """A small transformer with learned prompt vectors in front of the sequence."""

    def __init__(self, width=16, prompts=3, classes=2, dtype=torch.float64):
        super().__init__()
        self.prompt = nn.Parameter(torch.randn(1, prompts, width).to(dtype))
        self.query_key_value = nn.Linear(width, 3 * width, bias=False, dtype=dtype)
        self.mix = nn.Linear(width, width, dtype=dtype)
        self.classifier = nn.Linear(width, classes, dtype=dtype)

    def forward(self, tokens):
        x = torch.cat([self.prompt.expand(len(tokens), -1, -1), tokens], dim=1)
        query, key, value = self.query_key_value(x).chunk(3, dim=-1)
        x = x + self.mix(nn.functional.scaled_dot_product_attention(query, key, value))
        return self.classifier(x.mean(dim=1))


class PromptTrainer:
    def __init__(self, lr):
        self.model = PromptedEncoder()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)
        self.criterion = nn.CrossEntropyLoss()

    def fit(self, tokens, labels, steps):
        for step in range(steps):
            self.optimizer.zero_grad()
            loss = self.criterion(self.model(tokens), labels)
            loss.backward()
            self.optimizer.step()
            print(f"{step:3d} {loss.item():.5f} prompt norm {self.model.prompt.norm().item():.5f}")


torch.manual_seed(10)
PromptTrainer(lr=1e-2).fit(torch.randn(12, 5, 16, dtype=torch.float64), torch.randint(0, 2, (12,)), steps=5)
