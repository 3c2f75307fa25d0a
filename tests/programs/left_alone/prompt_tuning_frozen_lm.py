"""Soft prompts and a bottleneck adapter on a frozen language model in eval mode; gradient flows through it."""
import torch
from torch import nn


class TinyLM(nn.Module):
    def __init__(self, v=30, d=32):
        super().__init__()
        self.wte = nn.Embedding(v, d)
        self.wpe = nn.Embedding(24, d)
        self.layers = nn.ModuleList(nn.TransformerEncoderLayer(d, 4, 64, batch_first=True, dropout=0.1) for _ in range(2))
        self.lm_head = nn.Linear(d, v, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, embeds):
        t = embeds.size(1)
        h = embeds + self.wpe(torch.arange(t))
        mask = nn.Transformer.generate_square_subsequent_mask(t)
        for l in self.layers:
            h = l(h, src_mask=mask)
        return h


class Prompted(nn.Module):
    def __init__(self, lm, n=4, d=32):
        super().__init__()
        self.lm = lm.eval()
        for p in lm.parameters():
            p.requires_grad_(False)
        self.prompt = nn.Parameter(lm.wte.weight[:n].detach().clone())
        self.adapter = nn.Sequential(nn.Linear(d, 8), nn.GELU(), nn.Linear(8, d))
        nn.init.zeros_(self.adapter[2].weight); nn.init.zeros_(self.adapter[2].bias)

    def train(self, mode=True):
        super().train(mode)
        self.lm.eval()
        return self

    def forward(self, ids):
        e = torch.cat([self.prompt.expand(len(ids), -1, -1), self.lm.wte(ids)], 1)
        h = self.lm(e)
        h = h + self.adapter(h)
        return self.lm.lm_head(h[:, self.prompt.size(0):])


torch.manual_seed(41)
net = Prompted(TinyLM())
opt = torch.optim.Adafactor([net.prompt, *net.adapter.parameters()], lr=1e-2)
ids = torch.randint(0, 30, (48, 10))
net.train()
for step in range(10):
    b = ids[torch.randint(0, 48, (12,))]
    logits = net(b[:, :-1])
    loss = nn.functional.cross_entropy(logits.flatten(0, 1), b[:, 1:].flatten())
    loss.backward()
    opt.step()
    opt.zero_grad()
    print(step, loss.item())
