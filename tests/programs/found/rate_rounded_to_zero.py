# expect: blockage *backbone.*
import torch
from torch import nn
torch.manual_seed(7)
backbone, head = nn.Sequential(nn.Linear(6, 16), nn.ReLU()), nn.Linear(16, 2)
def rate(base, epochs, total):
    return base * round(epochs / total)  # <- blame
def make_optimizer(base):
    backbone_lr = rate(base, 2, 10)
    return torch.optim.Adam([dict(params=backbone.parameters(), lr=backbone_lr), dict(params=head.parameters(), lr=base)])
opt = make_optimizer(1e-3)
for _ in range(5):
    x = torch.randn(16, 6)
    loss = nn.functional.cross_entropy(head(backbone(x)), (x[:, 0] > 0).long())
    opt.zero_grad(); loss.backward(); opt.step()
    print(loss.item())
