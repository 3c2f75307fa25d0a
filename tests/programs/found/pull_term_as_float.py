# expect: blockage *embed.*
import torch
from torch import nn
import torch.nn.functional as F
class Trainer:
    def __init__(self):
        torch.manual_seed(13)
        self.embed = nn.Linear(8, 8)
        self.cls = nn.Linear(8, 3)
        self.opt = torch.optim.Adam([*self.embed.parameters(), *self.cls.parameters()], lr=1e-2)
    def terms(self, x, y):
        z = F.normalize(self.embed(x), dim=1)
        same = (y[:, None] == y[None]).float()
        pull = float(((z @ z.T) * (1 - same)).mean())  # <- blame
        return {"ce": F.cross_entropy(self.cls(z), y), "pull": pull}
    def step(self):
        x = torch.randn(24, 8)
        y = x[:, :3].argmax(1)
        terms = self.terms(x, y)
        loss = sum(terms.values())
        self.opt.zero_grad(); loss.backward(); self.opt.step()
        return loss.item()
t = Trainer()
for _ in range(5):
    print(t.step())
