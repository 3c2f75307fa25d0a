# expect: blockage *projector.*
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(7)


def nt_xent(first, second, temperature=0.2):
    views = F.normalize(torch.cat([first, second]), dim=1)
    similarity = views @ views.t() / temperature
    similarity.fill_diagonal_(float("-inf"))
    count = first.shape[0]
    targets = torch.cat([torch.arange(count) + count, torch.arange(count)])
    return F.cross_entropy(similarity, targets)


class SimCLR:
    def __init__(self, width=32, projection=16, lr=0.05):
        self.encoder = nn.Sequential(
            nn.Conv2d(1, 8, 3, stride=2, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(8 * 4 * 4, width), nn.ReLU()
        )
        self.projector = nn.Sequential(nn.Linear(width, width), nn.ReLU(), nn.Linear(width, projection))
        self.optimizer = torch.optim.SGD(self.encoder.parameters(), lr=lr, momentum=0.9)  # <- blame

    def augment(self, images):
        return torch.roll(images, shifts=int(torch.randint(-2, 3, ())), dims=-1) + 0.1 * torch.randn_like(images)

    def training_step(self, images):
        first = self.projector(self.encoder(self.augment(images)))
        second = self.projector(self.encoder(self.augment(images)))
        loss = nt_xent(first, second)
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def fit(self, images, batch_size, epochs):
        self.encoder.train()
        self.projector.train()
        for epoch in range(epochs):
            order = torch.randperm(len(images))
            losses = [self.training_step(images[chunk]) for chunk in order.split(batch_size)]
            print(f"epoch {epoch}: {sum(losses) / len(losses):.4f}")


SimCLR().fit(torch.randn(32, 1, 8, 8), batch_size=16, epochs=3)
