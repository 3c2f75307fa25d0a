# expect: blockage *vocoder.*
import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Vocoder(nn.Module):
    def __init__(self, bands=10, hop=8):
        super().__init__()
        self.inputs = nn.Conv1d(bands, 16, 3, padding=1)
        self.upsample = nn.ConvTranspose1d(16, 8, hop, stride=hop)
        self.outputs = nn.Conv1d(8, 1, 7, padding=3)

    def forward(self, mel):
        h = torch.nn.functional.leaky_relu(self.inputs(mel), 0.1)
        return torch.tanh(self.outputs(torch.nn.functional.leaky_relu(self.upsample(h), 0.1)))


def magnitude(wave):
    return torch.from_numpy(np.abs(np.fft.rfft(wave.squeeze(1).detach().numpy())))  # <- blame


def spectral_loss(prediction, target):
    return (magnitude(prediction) - magnitude(target)).abs().mean()


def run(epochs=2):
    torch.manual_seed(4)
    vocoder = Vocoder()
    optimizer = torch.optim.AdamW(vocoder.parameters(), lr=1e-3)
    loader = DataLoader(TensorDataset(torch.randn(24, 10, 8), torch.rand(24, 1, 64) - 0.5), batch_size=8)
    for epoch in range(epochs):
        for mel, wave in loader:
            prediction = vocoder(mel)
            waveform = nn.functional.l1_loss(prediction, wave)
            spectral = spectral_loss(prediction, wave)
            loss = waveform + 0.5 * spectral  # <- blame
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        print(epoch, waveform.item(), spectral.item())


run()
