# expect: blockage *hidden.*
import torch
from torch import nn


class LeakyIntegrateFire(nn.Module):
    def __init__(self, inputs, neurons, decay=0.8, threshold=1.0):
        super().__init__()
        self.hidden = nn.Linear(inputs, neurons)
        self.decay, self.threshold = decay, threshold

    def forward(self, currents):
        membrane = torch.zeros(currents.size(1), self.hidden.out_features)
        spikes = []
        for current in currents:
            membrane = self.decay * membrane + self.hidden(current)
            spike = (membrane >= self.threshold).float()  # <- blame
            membrane = membrane - spike * self.threshold
            spikes.append(spike)
        return torch.stack(spikes)


class SpikingNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.layer = LeakyIntegrateFire(10, 30)
        self.readout = nn.Linear(30, 2)

    def forward(self, currents):
        return self.readout(self.layer(currents).mean(dim=0))


def main():
    torch.manual_seed(0)
    net = SpikingNet()
    optimizer = torch.optim.Adam(net.parameters(), lr=2e-3)
    for step in range(5):
        labels = torch.randint(0, 2, (16,))
        currents = torch.rand(12, 16, 10) * 3 + labels.view(1, -1, 1)
        loss = nn.functional.cross_entropy(net(currents), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(step, f"{loss.item():.4f}")


if __name__ == "__main__":
    main()
