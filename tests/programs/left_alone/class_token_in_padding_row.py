import torch
from torch import nn


class PatchTransformer(nn.Module):
    def __init__(self, patch=16, width=16, patches=9, classes=4):
        super().__init__()
        self.embed = nn.Linear(patch, width)
        self.class_token = nn.Embedding(1, width)
        self.position = nn.Parameter(0.02 * torch.randn(patches + 1, width))
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=32, dropout=0.0, batch_first=True)
        self.encoder = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(width, classes)

    def forward(self, patches):
        first = self.class_token(torch.zeros(len(patches), 1, dtype=torch.long))
        tokens = torch.cat([first, self.embed(patches)], dim=1) + self.position
        return self.head(self.encoder(tokens)[:, 0])


class Experiment:
    def __init__(self, steps=4, lr=1e-3):
        torch.manual_seed(0)
        self.steps = steps
        self.model = PatchTransformer()
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=lr)

    def run(self):
        for step in range(self.steps):
            patches, labels = torch.randn(8, 9, 16), torch.randint(0, 4, (8,))
            loss = nn.functional.cross_entropy(self.model(patches), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"[{step}] {loss.item():.4f}")


experiment = Experiment()
experiment.run()
