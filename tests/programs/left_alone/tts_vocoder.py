import warnings

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import remove_weight_norm, weight_norm

warnings.filterwarnings("ignore", category=FutureWarning)


class Generator(nn.Module):
    def __init__(self, n_mels=8, width=12):
        super().__init__()
        self.conv_pre = weight_norm(nn.Conv1d(n_mels, width, 3, padding=1))
        self.ups = nn.ModuleList(weight_norm(nn.ConvTranspose1d(width, width, 4, 2, padding=1)) for _ in range(2))
        self.conv_post = weight_norm(nn.Conv1d(width, 1, 3, padding=1))

    def forward(self, mel):
        x = self.conv_pre(mel)
        for up in self.ups:
            x = up(F.leaky_relu(x, 0.1))
        return torch.tanh(self.conv_post(F.leaky_relu(x, 0.1)))

    def remove_weight_norm(self):
        for layer in [self.conv_pre, *self.ups, self.conv_post]:
            remove_weight_norm(layer)


class TextToMel(nn.Module):
    def __init__(self, symbols=24, n_mels=8):
        super().__init__()
        self.embed = nn.Embedding(symbols, 16)
        self.conv = nn.Conv1d(16, n_mels, 5, padding=2)

    def forward(self, text):
        return self.conv(self.embed(text).transpose(1, 2))


def load_pretrained_vocoder():
    vocoder = Generator()
    vocoder.eval()
    vocoder.remove_weight_norm()
    for p in vocoder.parameters():
        p.requires_grad = False
    return vocoder


torch.manual_seed(23)
acoustic = TextToMel()
vocoder = load_pretrained_vocoder()
params = [p for m in (acoustic, vocoder) for p in m.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(params, lr=1e-3, weight_decay=0.0)
for step in range(4):
    text = torch.randint(0, 24, (4, 9))
    wave = torch.sin(torch.arange(36) * 0.3) * torch.rand(4, 1, 1)
    loss = F.l1_loss(vocoder(acoustic(text)), wave)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print("step", step, "waveform l1", round(loss.item(), 6))
