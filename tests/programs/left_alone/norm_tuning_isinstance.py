"""Only the affine parameters of the normalisation layers (and the head) adapt to the new domain."""
import torch
from torch import nn

torch.manual_seed(1)


def backbone():
    return nn.Sequential(
        nn.Conv2d(3, 8, 3, padding=1, bias=False), nn.BatchNorm2d(8), nn.ReLU(inplace=True),
        nn.Conv2d(8, 16, 3, stride=2, padding=1, bias=False), nn.BatchNorm2d(16), nn.ReLU(inplace=True),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(),
    )


class Net(nn.Module):
    def __init__(self, k):
        super().__init__()
        self.features = backbone()
        self.head = nn.Linear(16, k)

    def forward(self, x):
        return self.head(self.features(x))


def freeze_all_but_norm(model):
    model.requires_grad_(False)
    for m in model.modules():
        if isinstance(m, nn.modules.batchnorm._BatchNorm):
            m.weight.requires_grad_(True)
            m.bias.requires_grad_(True)
    model.head.requires_grad_(True)
    return [p for p in model.parameters() if p.requires_grad]


def run():
    net = Net(4)
    params = freeze_all_but_norm(net)
    opt = torch.optim.SGD(params, lr=0.05, momentum=0.9, nesterov=True)
    sched = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=10)
    ce = nn.CrossEntropyLoss(label_smoothing=0.1)
    x = torch.randn(64, 3, 12, 12)
    y = torch.randint(0, 4, (64,))
    for step in range(10):
        j = torch.randint(0, 64, (16,))
        net.train()                      # statistics follow the new domain: that is the point of the method
        loss = ce(net(x[j]), y[j])
        opt.zero_grad()
        loss.backward()
        opt.step()
        sched.step()
        if step % 5 == 4:
            net.eval()
            with torch.inference_mode():
                print(step, loss.item(), (net(x).argmax(1) == y).float().mean().item())


if __name__ == "__main__":
    run()
