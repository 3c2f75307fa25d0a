import torch
import torch.nn as nn
import torch.nn.functional as F


class DurationPredictor(nn.Module):
    def __init__(self, dim):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(dim, 12), nn.ReLU(), nn.LayerNorm(12), nn.Linear(12, 1))

    def forward(self, x):
        return self.net(x).squeeze(-1)

    @torch.no_grad()
    def infer(self, x):
        return self(x).exp().sub(1).round().clamp(min=1).long()


class FastSpeech(nn.Module):
    def __init__(self, symbols=20, dim=12, mels=6):
        super().__init__()
        self.embed = nn.Embedding(symbols, dim)
        self.encoder = nn.GRU(dim, dim, batch_first=True)
        self.duration_predictor = DurationPredictor(dim)
        self.decoder = nn.GRU(dim, dim, batch_first=True)
        self.mel_linear = nn.Linear(dim, mels)

    def forward(self, text, durations):
        hidden, _ = self.encoder(self.embed(text))
        log_dur = self.duration_predictor(hidden.detach())
        frames = [h.repeat_interleave(d, dim=0) for h, d in zip(hidden, durations)]
        out, _ = self.decoder(nn.utils.rnn.pad_sequence(frames, batch_first=True))
        return self.mel_linear(out), log_dur


def corpus(generator, n=6, length=5):
    text = torch.randint(0, 20, (n, length), generator=generator)
    durations = text % 3 + 1
    frames = int(durations.sum(1).max())
    mel = torch.randn(n, frames, 6, generator=generator)
    mask = torch.arange(frames)[None] < durations.sum(1, keepdim=True)
    return text, durations, mel, mask


torch.manual_seed(71)
generator = torch.Generator().manual_seed(71)
model = FastSpeech()
optimizer = torch.optim.Adam(model.parameters(), betas=(0.9, 0.98), lr=3e-3)
for step in range(4):
    text, durations, mel, mask = corpus(generator)
    pred, log_dur = model(text, durations)
    mel_loss = ((pred - mel).abs().mean(-1) * mask).sum() / mask.sum()
    duration_loss = F.mse_loss(log_dur, torch.log(durations.float() + 1))
    optimizer.zero_grad()
    (mel_loss + duration_loss).backward()
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimizer.step()
    print(step, f"mel {mel_loss.item():.5f} dur {duration_loss.item():.5f}")
