# expect: leak *encoder.*
import torch
from torch import nn


class InpaintingGenerator(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv2d(4, 12, 3, stride=2, padding=1), nn.LeakyReLU(0.2))
        self.decoder = nn.Sequential(nn.ConvTranspose2d(12, 12, 4, stride=2, padding=1), nn.Conv2d(12, 3, 3, padding=1))

    def forward(self, image, mask):
        return torch.tanh(self.decoder(self.encoder(torch.cat([image * mask, mask], dim=1))))


def set_requires_grad(net, flag):
    for p in net.parameters():
        p.requires_grad = flag  # <- blame


class InpaintingGAN:
    def __init__(self, lr=2e-4):
        self.netG = InpaintingGenerator()
        self.netG.encoder.requires_grad_(False)
        self.netD = nn.Sequential(
            nn.Conv2d(3, 12, 4, stride=2, padding=1), nn.LeakyReLU(0.2), nn.Flatten(), nn.Linear(12 * 64, 1)
        )
        self.opt_g = torch.optim.Adam(self.netG.parameters(), lr=lr, betas=(0.5, 0.999))
        self.opt_d = torch.optim.Adam(self.netD.parameters(), lr=lr, betas=(0.5, 0.999))
        self.bce = nn.BCEWithLogitsLoss()

    def step(self, image, mask):
        set_requires_grad(self.netG, False)
        set_requires_grad(self.netD, True)
        fake = self.netG(image, mask)
        real_score, fake_score = self.netD(image), self.netD(fake)
        loss_d = self.bce(real_score, torch.ones_like(real_score)) + self.bce(fake_score, torch.zeros_like(fake_score))
        self.opt_d.zero_grad()
        loss_d.backward()
        self.opt_d.step()

        set_requires_grad(self.netD, False)
        set_requires_grad(self.netG, True)  # <- blame
        fake = self.netG(image, mask)
        score = self.netD(fake)
        loss_g = self.bce(score, torch.ones_like(score)) + 10 * (fake - image).abs().mean()
        self.opt_g.zero_grad()
        loss_g.backward()
        self.opt_g.step()
        return loss_d.item(), loss_g.item()


torch.manual_seed(3)
gan = InpaintingGAN()
for iteration in range(4):
    images = torch.rand(4, 3, 16, 16) * 2 - 1
    masks = (torch.rand(4, 1, 16, 16) > 0.3).float()
    print(iteration, gan.step(images, masks))
