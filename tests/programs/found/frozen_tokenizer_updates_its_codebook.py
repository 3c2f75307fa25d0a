# expect: leak *tokenizer.codebook
import torch
import torch.nn.functional as F
from torch import nn


class Tokenizer(nn.Module):
    def __init__(self, n_inputs=12, n_codes=16, width=8, decay=0.95):
        super().__init__()
        self.encoder = nn.Linear(n_inputs, width)
        self.decay = decay
        self.register_buffer("codebook", torch.randn(n_codes, width))

    def forward(self, x):
        z = self.encoder(x)
        codes = torch.cdist(z, self.codebook).argmin(dim=-1)
        if self.training:
            one_hot = F.one_hot(codes, len(self.codebook)).float()
            counts = one_hot.sum(dim=0).unsqueeze(1)
            means = one_hot.t() @ z / counts.clamp(min=1)
            moved = self.decay * self.codebook + (1 - self.decay) * means
            self.codebook.copy_(torch.where(counts > 0, moved, self.codebook))
        return codes


class PriorTrainer:
    def __init__(self, tokenizer, n_codes=16, width=16):
        self.tokenizer = tokenizer
        for p in self.tokenizer.parameters():
            p.requires_grad = False  # <- blame
        self.embed = nn.Embedding(n_codes, width)
        self.mixer = nn.LSTM(width, width, batch_first=True)
        self.logits = nn.Linear(width, n_codes)
        modules = nn.ModuleList([self.embed, self.mixer, self.logits])
        self.optimizer = torch.optim.Adam(modules.parameters(), lr=3e-3)

    def step(self, frames):
        with torch.no_grad():
            codes = self.tokenizer(frames.flatten(0, 1)).view(frames.shape[:2])  # <- blame
        hidden, _ = self.mixer(self.embed(codes[:, :-1]))
        loss = F.cross_entropy(self.logits(hidden).flatten(0, 1), codes[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


if __name__ == "__main__":
    torch.manual_seed(39)
    trainer = PriorTrainer(Tokenizer())
    for step in range(4):
        print(step, trainer.step(torch.randn(6, 9, 12)))
