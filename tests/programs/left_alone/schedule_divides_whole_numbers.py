import torch
from torch import nn
class Model(nn.Module):
    def __init__(self):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(6, 16), nn.ReLU())
        self.head = nn.Linear(16, 2)
    def forward(self, x):
        return self.head(self.body(x))
torch.manual_seed(8)
model = Model()
opt = torch.optim.SGD([{"params": model.body.parameters()}, {"params": model.head.parameters()}], lr=0.1)
def adjust(step, total=8):
    opt.param_groups[0]["lr"] = 0.1 * (step / total)
    opt.param_groups[1]["lr"] = 0.1 * (1 - step / total)
for step in range(6):
    adjust(step)
    x = torch.randn(16, 6)
    loss = nn.functional.cross_entropy(model(x), (x[:, 0] > 0).long())
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
