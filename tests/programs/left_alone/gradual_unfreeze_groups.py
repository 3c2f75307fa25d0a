"""ULMFiT-like gradual unfreezing: layers join the optimizer with add_param_group as they thaw."""
import torch
from torch import nn

torch.manual_seed(3)


class TextClassifier(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Embedding(40, 24)
        self.rnn = nn.GRU(24, 24, batch_first=True)
        self.proj = nn.Sequential(nn.Linear(24, 24), nn.Tanh())
        self.out = nn.Linear(24, 2)

    def forward(self, x):
        h, _ = self.rnn(self.embed(x))
        return self.out(self.proj(h[:, -1]))


net = TextClassifier()
stages = [net.out, net.proj, net.rnn, net.embed]
for m in stages[1:]:
    for p in m.parameters():
        p.requires_grad = False

base_lr = 5e-3
opt = torch.optim.Adam(net.out.parameters(), lr=base_lr)
x = torch.randint(0, 40, (128, 9))
y = (x.sum(1) % 2).long()
loss_fn = nn.CrossEntropyLoss()

thawed = 1
for epoch in range(5):
    if epoch and thawed < len(stages):
        layer = stages[thawed]
        layer.requires_grad_(True)
        opt.add_param_group({"params": layer.parameters(), "lr": base_lr / 2.6 ** thawed})
        thawed += 1
    running = 0.0
    for xb, yb in zip(x.split(32), y.split(32)):
        opt.zero_grad()
        loss = loss_fn(net(xb), yb)
        loss.backward()
        nn.utils.clip_grad_norm_([p for g in opt.param_groups for p in g["params"]], 1.0)
        opt.step()
        running += loss.item()
    print(f"epoch {epoch}: {thawed} stage(s) training, loss {running / 4:.4f}")
