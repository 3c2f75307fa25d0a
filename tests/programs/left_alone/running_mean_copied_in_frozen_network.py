import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(1)
class BN(nn.Module):
    def __init__(self, d):
        super().__init__()
        self.weight = nn.Parameter(torch.ones(d)); self.bias = nn.Parameter(torch.zeros(d))
        self.register_buffer("running_mean", torch.zeros(d)); self.register_buffer("running_var", torch.ones(d))
    def forward(self, x):
        if self.training:
            m, v = x.mean(0), x.var(0, unbiased=False)
            with torch.no_grad():
                self.running_mean.copy_(0.9 * self.running_mean + 0.1 * m)
                self.running_var.copy_(0.9 * self.running_var + 0.1 * v)
        else:
            m, v = self.running_mean, self.running_var
        return (x - m) / (v + 1e-5).sqrt() * self.weight + self.bias
net = nn.Sequential(nn.Linear(6, 16), BN(16), nn.ReLU(), nn.Linear(16, 8))
net.eval().requires_grad_(False)
head = nn.Linear(8, 3)
opt = torch.optim.Adam(head.parameters(), 1e-2)
for i in range(4):
    x = torch.randn(16, 6)
    loss = F.cross_entropy(head(net(x)), x[:, :3].argmax(1))
    opt.zero_grad(); loss.backward(); opt.step()
