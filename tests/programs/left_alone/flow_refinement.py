import torch
import torch.nn as nn
import torch.nn.functional as F


def coords_grid(batch, h, w):
    ys, xs = torch.meshgrid(torch.arange(h), torch.arange(w), indexing="ij")
    return torch.stack([xs, ys]).float()[None].repeat(batch, 1, 1, 1)


def sample(fmap, coords):
    h, w = fmap.shape[-2:]
    grid = torch.stack([2 * coords[:, 0] / (w - 1) - 1, 2 * coords[:, 1] / (h - 1) - 1], -1)
    return F.grid_sample(fmap, grid, align_corners=True, padding_mode="border")


class RecurrentFlow(nn.Module):
    def __init__(self, dim=8):
        super().__init__()
        self.fnet = nn.Conv2d(3, dim, 3, padding=1)
        self.cnet = nn.Conv2d(3, dim, 3, padding=1)
        self.update = nn.Conv2d(2 * dim + 3, dim, 3, padding=1)
        self.flow_head = nn.Conv2d(dim, 2, 3, padding=1)

    def forward(self, a, b, iters=3):
        f1, f2 = self.fnet(a), self.fnet(b)
        net = torch.tanh(self.cnet(a))
        context = torch.relu(net)
        coords0 = coords_grid(len(a), *a.shape[-2:])
        coords1 = coords0.clone()
        predictions = []
        for _ in range(iters):
            coords1 = coords1.detach()
            corr = (f1 * sample(f2, coords1)).sum(1, keepdim=True) / f1.size(1) ** 0.5
            net = torch.tanh(self.update(torch.cat([net, context, corr, coords1 - coords0], 1)))
            coords1 = coords1 + self.flow_head(net)
            predictions.append(coords1 - coords0)
        return predictions


def sequence_loss(predictions, flow, gamma=0.8):
    n = len(predictions)
    return sum(gamma ** (n - i - 1) * (p - flow).abs().mean() for i, p in enumerate(predictions))


torch.manual_seed(90)
model = RecurrentFlow()
optimizer = torch.optim.AdamW(model.parameters(), lr=2e-3, weight_decay=1e-5)
scheduler = torch.optim.lr_scheduler.OneCycleLR(optimizer, 4e-3, total_steps=8)
for step in range(4):
    a = torch.rand(2, 3, 10, 10)
    shift = step % 2 + 1
    loss = sequence_loss(model(a, a.roll(shift, -1)), torch.tensor([float(shift), 0.0]).view(1, 2, 1, 1))
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    scheduler.step()
    print(step, f"{loss.item():.5f}")
