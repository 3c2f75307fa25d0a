import copy
import torch
import torch.nn as nn
import torch.nn.functional as F


class JEPA(nn.Module):
    def __init__(self, d_in=6, d=16):
        super().__init__()
        self.context_encoder = nn.Sequential(nn.Linear(d_in, 32), nn.GELU(), nn.Linear(32, d))
        self.target_encoder = copy.deepcopy(self.context_encoder).requires_grad_(False)
        self.predictor = nn.Sequential(nn.Linear(d + 1, 32), nn.GELU(), nn.Linear(32, d))

    def forward(self, ctx, tgt, pos):
        with torch.no_grad():
            y = F.layer_norm(self.target_encoder(tgt), (16,))
        h = self.context_encoder(ctx)
        pred = self.predictor(torch.cat([h, pos], -1))
        return F.smooth_l1_loss(pred, y)

    @torch.no_grad()
    def update_target(self, m):
        for c, t in zip(self.context_encoder.parameters(), self.target_encoder.parameters()):
            t.mul_(m).add_(c, alpha=1 - m)


def main():
    torch.manual_seed(104)
    model = JEPA()
    trainable = [*model.context_encoder.parameters(), *model.predictor.parameters()]
    opt = torch.optim.AdamW(trainable, lr=1e-3, weight_decay=0.04)
    for step in range(6):
        t = torch.rand(32, 1) * 6
        dt = torch.rand(32, 1)
        freqs = torch.arange(1, 7)
        loss = model((t * freqs).sin(), ((t + dt) * freqs).sin(), dt)
        opt.zero_grad()
        loss.backward()
        opt.step()
        model.update_target(0.98)
        print(step, loss.item())


if __name__ == "__main__":
    main()
