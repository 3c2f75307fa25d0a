# expect: blockage *model.encoder.*
import numpy as np
import torch
from torch import nn


class SignalModel(nn.Module):
    def __init__(self, window=5):
        super().__init__()
        self.encoder = nn.Sequential(nn.Conv1d(1, 4, 5, padding=2), nn.ReLU(), nn.Conv1d(4, 4, 3, padding=1))
        self.decoder = nn.Conv1d(4, 1, 3, padding=1)
        self.kernel = np.hanning(window + 2)[1:-1]
        self.kernel /= self.kernel.sum()

    def smooth(self, signal):
        array = signal.detach().cpu().numpy()  # <- blame
        filtered = np.apply_along_axis(lambda row: np.convolve(row, self.kernel, mode="same"), -1, array)
        return torch.from_numpy(filtered).to(signal)

    def forward(self, x):
        return self.decoder(self.smooth(self.encoder(x)))


def main():
    torch.manual_seed(2)
    model = SignalModel()
    optimizer = torch.optim.RMSprop(model.parameters(), lr=1e-3)
    clean = torch.sin(torch.linspace(0, 12, 64)).expand(8, 1, 64)
    for iteration in range(5):
        noisy = clean + 0.3 * torch.randn_like(clean)
        loss = nn.functional.mse_loss(model(noisy), clean)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"iter {iteration} loss {loss.item():.4f}")


main()
