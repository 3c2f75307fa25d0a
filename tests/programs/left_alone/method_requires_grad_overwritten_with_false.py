import torch
from torch import nn


class PatchNet(nn.Module):
    def __init__(self, n_outputs=3):
        super().__init__()
        self.features = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.ELU(), nn.Conv2d(8, 8, 3, padding=1), nn.ELU())
        self.regressor = nn.Linear(8, n_outputs)

    def forward(self, patches):
        return self.regressor(self.features(patches).mean(dim=(-2, -1)))


class Finetuner:
    def __init__(self, net, lr=0.01):
        self.net = net
        self.freeze_features()
        self.optimizer = torch.optim.SGD(self.net.parameters(), lr=lr, momentum=0.9)
        self.loss_fn = nn.SmoothL1Loss()

    def freeze_features(self):
        for parameter in self.net.features.parameters():
            parameter.requires_grad_(False)

    def training_step(self, batch):
        patches, targets = batch
        return self.loss_fn(self.net(patches), targets)

    def run(self, batches):
        for index, batch in enumerate(batches):
            loss = self.training_step(batch)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            print(f"batch {index}: loss = {loss.item():.5f}")


def main():
    torch.manual_seed(21)
    batches = [(torch.randn(6, 1, 12, 12), torch.randn(6, 3)) for _ in range(5)]
    Finetuner(PatchNet()).run(batches)


if __name__ == "__main__":
    main()
