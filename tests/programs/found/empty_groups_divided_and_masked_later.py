# expect: blockage model.pool.*
import torch
from torch import nn

torch.manual_seed(212)


class SetPooling(nn.Module):
    """A weighted mean over the words of a caption; captions may be empty."""

    def __init__(self, width=16):
        super().__init__()
        self.embed = nn.Sequential(nn.Linear(3, width), nn.GELU())
        self.score = nn.Linear(width, 1)

    def forward(self, words, present):
        features = self.embed(words)
        weight = torch.sigmoid(self.score(features)) * present.unsqueeze(-1)
        mean = (weight * features).sum(1) / weight.sum(1)  # <- blame
        empty = ~present.any(1, keepdim=True)
        return mean.masked_fill(empty, 0.0)


model = nn.ModuleDict({"pool": SetPooling(), "classify": nn.Linear(16, 4)})
optimizer = torch.optim.SGD(model.parameters(), lr=0.02)
for step in range(5):
    length = torch.randint(0, 7, (24,))
    length[0] = 0
    present = torch.arange(6) < length.unsqueeze(1)
    words = torch.randn(24, 6, 3)
    label = (words.mean((1, 2)) > 0).long()
    loss = nn.functional.cross_entropy(model["classify"](model["pool"](words, present)), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
