# expect: blockage *model.stages.1.*
import torch
import torch.nn.functional as F
from torch import nn


class ProgressiveDecoder(nn.Module):
    """Starts at 4x4 and doubles the resolution with every stage that is added."""

    def __init__(self, latent=8, channels=12):
        super().__init__()
        self.channels = channels
        self.start = nn.Linear(latent, channels * 4 * 4)
        self.stages = nn.ModuleList([nn.Conv2d(channels, channels, 3, padding=1)])
        self.to_image = nn.Conv2d(channels, 1, 1)

    def grow(self):
        self.stages.append(nn.Conv2d(self.channels, self.channels, 3, padding=1))  # <- blame
        return self.stages[-1]

    def forward(self, codes):
        x = self.start(codes).view(-1, self.channels, 4, 4)
        for depth, stage in enumerate(self.stages):
            if depth > 0:
                x = F.interpolate(x, scale_factor=2)
            x = F.leaky_relu(stage(x), 0.2)
        return self.to_image(x)


class Trainer:
    def __init__(self, model, lr=1e-3):
        self.model = model
        self.optimizer = torch.optim.Adam(model.parameters(), lr=lr, betas=(0.5, 0.99))

    def run_phase(self, images, codes, steps):
        for step in range(steps):
            size = 4 * 2 ** (len(self.model.stages) - 1)
            loss = F.l1_loss(self.model(codes), F.adaptive_avg_pool2d(images, size))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"{size}x{size} step {step} loss {loss.item():.4f}")

    def next_resolution(self):
        stage = self.model.grow()  # <- blame
        print(f"added {sum(p.numel() for p in stage.parameters())} parameters")


torch.manual_seed(13)
trainer = Trainer(ProgressiveDecoder())
images, codes = torch.rand(6, 1, 16, 16), torch.randn(6, 8)
trainer.run_phase(images, codes, steps=2)
trainer.next_resolution()
trainer.run_phase(images, codes, steps=4)
