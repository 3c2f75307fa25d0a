import torch
import torch.nn as nn


CONFIG = {
    "n_mels": 12,
    "hidden": 16,
    "phones": 20,
    "strides": (2, 1, 1),
    "lr": 2e-3,
}


class Subsample(nn.Module):
    def __init__(self, n_in, n_out, stride):
        super().__init__()
        self.conv = nn.Conv1d(n_in, n_out, 3, stride=stride, padding=1)

    def forward(self, x, lengths):
        return torch.relu(self.conv(x)), (lengths + self.conv.stride[0] - 1) // self.conv.stride[0]


class AcousticModel(nn.Module):
    def __init__(self, cfg):
        super().__init__()
        sizes = [cfg["n_mels"]] + [cfg["hidden"]] * len(cfg["strides"])
        self.blocks = nn.ModuleList(Subsample(i, o, s) for i, o, s in zip(sizes, sizes[1:], cfg["strides"]))
        self.rnn = nn.GRU(cfg["hidden"], cfg["hidden"], batch_first=True)
        self.ctc_lo = nn.Linear(cfg["hidden"], cfg["phones"] + 1)

    def forward(self, feats, lengths):
        x = feats.transpose(1, 2)
        for block in self.blocks:
            x, lengths = block(x, lengths)
        out, _ = self.rnn(x.transpose(1, 2))
        return self.ctc_lo(out).log_softmax(-1), lengths


def utterances(batch, generator):
    frames = torch.full((batch,), 64)
    n_phones = torch.randint(14, 20, (batch,), generator=generator)
    targets = torch.randint(1, 21, (batch, 20), generator=generator)
    feats = torch.randn(batch, 64, CONFIG["n_mels"], generator=generator)
    return feats, frames, targets, n_phones


torch.manual_seed(6)
generator = torch.Generator().manual_seed(60)
acoustic = AcousticModel(CONFIG)
criterion = nn.CTCLoss(blank=0, reduction="sum", zero_infinity=True)
optimizer = torch.optim.Adam(acoustic.parameters(), lr=CONFIG["lr"])
for update in range(4):
    feats, frames, targets, n_phones = utterances(6, generator)
    log_probs, out_lengths = acoustic(feats, frames)
    loss = criterion(log_probs.transpose(0, 1), targets, out_lengths, n_phones) / len(feats)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(acoustic.parameters(), 5.0)
    optimizer.step()
    print("update", update, "ctc", round(loss.item(), 4))
