# expect-note: GF301 trainer.discriminator.*weight
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset, random_split


class UNet(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.down1 = nn.Sequential(nn.Conv2d(1, ch, 4, 2, 1), nn.LeakyReLU(0.2))
        self.down2 = nn.Sequential(nn.Conv2d(ch, ch * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ch * 2), nn.ReLU())
        self.up1 = nn.Sequential(
            nn.ConvTranspose2d(ch * 2, ch, 4, 2, 1, bias=False), nn.BatchNorm2d(ch), nn.Dropout(0.5), nn.ReLU()
        )
        self.up2 = nn.Sequential(nn.ConvTranspose2d(ch * 2, 3, 4, 2, 1), nn.Tanh())

    def forward(self, x):
        d1 = self.down1(x)
        return self.up2(torch.cat([self.up1(self.down2(d1)), d1], dim=1))


def patch_discriminator(ch=8):
    middle = [nn.Conv2d(ch, ch * 2, 4, 2, 1, bias=False), nn.BatchNorm2d(ch * 2), nn.LeakyReLU(0.2)]
    return nn.Sequential(nn.Conv2d(4, ch, 4, 2, 1), nn.LeakyReLU(0.2), *middle, nn.Conv2d(ch * 2, 1, 3, 1, 1))


class Pix2PixTrainer:
    def __init__(self, lr=2e-4, lambda_l1=100.0):
        self.lambda_l1 = lambda_l1
        self.generator = UNet()
        self.discriminator = patch_discriminator()
        self.bce, self.l1 = nn.BCEWithLogitsLoss(), nn.L1Loss()
        self.opt_g = torch.optim.Adam(self.generator.parameters(), lr=lr, betas=(0.5, 0.999))
        self.opt_d = torch.optim.Adam(self.discriminator.parameters(), lr=lr, betas=(0.5, 0.999))

    def step_discriminator(self, a, b, fake):
        real_logits = self.discriminator(torch.cat([a, b], 1))
        fake_logits = self.discriminator(torch.cat([a, fake.detach()], 1))
        real_loss = self.bce(real_logits, torch.ones_like(real_logits))
        fake_loss = self.bce(fake_logits, torch.zeros_like(fake_logits))
        loss = (real_loss + fake_loss) * 0.5
        self.opt_d.zero_grad()
        loss.backward()
        self.opt_d.step()
        return loss.item()

    def step_generator(self, a, b, fake):
        logits = self.discriminator(torch.cat([a, fake], 1))
        loss = self.bce(logits, torch.ones_like(logits)) + self.lambda_l1 * self.l1(fake, b)
        self.opt_g.zero_grad()
        loss.backward()
        self.opt_g.step()
        return loss.item()

    @torch.no_grad()
    def validate(self, loader):
        self.generator.eval()
        errors = [self.l1(self.generator(a), b).item() for a, b in loader]
        self.generator.train()
        return sum(errors) / len(errors)

    def fit(self, train_loader, val_loader, epochs):
        for epoch in range(epochs):
            for a, b in train_loader:
                fake = self.generator(a)
                d_loss = self.step_discriminator(a, b, fake)
                g_loss = self.step_generator(a, b, fake)
            print(f"epoch {epoch} D {d_loss:.4f} G {g_loss:.4f} val L1 {self.validate(val_loader):.4f}")


if __name__ == "__main__":
    torch.manual_seed(7)
    edges = torch.randn(20, 1, 16, 16)
    photos = torch.tanh(torch.cat([edges, -edges, edges.roll(1, -1)], 1))
    train_set, val_set = random_split(TensorDataset(edges, photos), [16, 4])
    trainer = Pix2PixTrainer()
    trainer.fit(DataLoader(train_set, 4, shuffle=True), DataLoader(val_set, 4), epochs=2)
