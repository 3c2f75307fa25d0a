"""NeRF in one dimension: a coarse field proposes where the fine field takes its samples."""
# expect: blockage coarse.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(62)
N_COARSE, N_FINE = 12, 12


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(8, 32), nn.ReLU(), nn.Linear(32, 2))

    def forward(self, position):
        bands = torch.cat([f(position.unsqueeze(-1) * k) for k in (1.0, 2.0, 4.0, 8.0) for f in (torch.sin, torch.cos)], -1)
        density, colour = self.net(bands).unbind(-1)
        return F.softplus(density), torch.sigmoid(colour)


def render(field, depth, origin):
    density, colour = field(origin.unsqueeze(1) + depth)
    delta = torch.diff(depth, dim=1, append=depth[:, -1:] + 0.1)
    alpha = 1 - torch.exp(-density * delta)
    through = torch.cumprod(torch.cat([torch.ones_like(alpha[:, :1]), 1 - alpha[:, :-1]], 1), 1)
    weights = alpha * through
    return (weights * colour).sum(1), weights


def sample_pdf(depth, weights, n):
    pdf = (weights + 1e-4) / (weights + 1e-4).sum(1, keepdim=True)
    cdf = torch.cumsum(pdf, 1)
    u = torch.rand(len(depth), n) * 0.999
    index = torch.searchsorted(cdf, u).clamp(max=depth.shape[1] - 1)
    return torch.gather(depth, 1, index) + 0.05 * torch.rand_like(u)


coarse, fine = Field(), Field()
optimizer = torch.optim.Adam([*coarse.parameters(), *fine.parameters()], lr=5e-3)

for step in range(5):
    origin = torch.rand(32)
    target = 0.5 + 0.4 * torch.sin(6 * origin)
    depth = torch.linspace(0, 2, N_COARSE).expand(32, -1)
    rgb_coarse, weights = render(coarse, depth, origin)
    more = sample_pdf(depth, weights, N_FINE).detach()  # <- blame
    merged, _ = torch.sort(torch.cat([depth, more], 1), 1)
    rgb_fine, _ = render(fine, merged, origin)
    loss = F.mse_loss(rgb_fine, target)  # <- blame
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    psnr = -10 * torch.log10(F.mse_loss(rgb_fine.detach(), target))
    print(step, loss.item(), round(psnr.item(), 2), round(F.mse_loss(rgb_coarse.detach(), target).item(), 4))
