import torch
import torch.nn as nn

torch.manual_seed(0)


def fake_quantize(x, scale, levels=127):
    q = torch.clamp(x / scale, -levels, levels)
    # straight-through: rounded going forward, the identity going back
    q = q + (torch.round(q) - q).detach()
    return q * scale


class QuantLinear(nn.Linear):
    def __init__(self, in_features, out_features):
        super().__init__(in_features, out_features)
        self.register_buffer("act_scale", torch.tensor(0.0))

    def forward(self, x):
        if self.training:
            with torch.no_grad():
                peak = x.abs().max() / 127
                self.act_scale.copy_(torch.maximum(peak, 0.9 * self.act_scale))
        weight_scale = self.weight.detach().abs().max() / 127
        x = fake_quantize(x, self.act_scale)
        return nn.functional.linear(x, fake_quantize(self.weight, weight_scale), self.bias)


model = nn.Sequential(QuantLinear(16, 32), nn.ReLU(), QuantLinear(32, 32), nn.ReLU(), QuantLinear(32, 4))
opt = torch.optim.Adam(model.parameters(), lr=2e-3)
loss_fn = nn.CrossEntropyLoss()

x_train, y_train = torch.randn(80, 16), torch.randint(0, 4, (80,))
x_val, y_val = torch.randn(20, 16), torch.randint(0, 4, (20,))

for epoch in range(3):
    model.train()
    for xb, yb in zip(x_train.split(40), y_train.split(40), strict=True):
        opt.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        opt.step()
    model.eval()
    with torch.no_grad():
        val_acc = (model(x_val).argmax(1) == y_val).float().mean()
    print(f"epoch {epoch}: train loss {loss.item():.4f} val acc {val_acc.item():.2f}")
