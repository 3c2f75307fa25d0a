# expect: blockage *feat.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(93)


class GradReverse(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x, lam):
        ctx.lam = lam
        return x.view_as(x)

    @staticmethod
    def backward(ctx, g):
        return -ctx.lam * g, None


class DANN(nn.Module):
    def __init__(self):
        super().__init__()
        self.feat = nn.Sequential(nn.Linear(10, 24), nn.ReLU())
        self.label = nn.Linear(24, 3)
        self.domain = nn.Sequential(nn.Linear(24, 12), nn.ReLU(), nn.Linear(12, 1))

    def forward(self, x, lam):
        f = self.feat(x)
        rev = GradReverse.apply(f.detach(), lam)  # <- blame
        return self.label(f), self.domain(rev).squeeze(-1)


model = DANN()
optimizer = torch.optim.SGD(model.parameters(), lr=0.02, momentum=0.9)
for it in range(6):
    lam = (it + 1) / 6
    xs, xt = torch.randn(24, 10), torch.randn(24, 10) + 0.7
    ys = xs[:, :3].argmax(1)
    y_hat, d_s = model(xs, lam)
    _, d_t = model(xt, lam)
    cls_loss = F.cross_entropy(y_hat, ys)
    dom_loss = F.binary_cross_entropy_with_logits(torch.cat([d_s, d_t]), torch.cat([torch.ones(24), torch.zeros(24)]))
    loss = cls_loss + dom_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, cls_loss.item(), dom_loss.item())
