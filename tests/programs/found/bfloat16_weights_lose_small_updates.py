# expect: blockage *model.*
import torch
import torch.nn.functional as F
from torch import nn


class CausalBlock(nn.Module):
    def __init__(self, width, heads):
        super().__init__()
        self.heads = heads
        self.attention_norm = nn.RMSNorm(width)
        self.query_key_value = nn.Linear(width, 3 * width, bias=False)
        self.mix = nn.Linear(width, width, bias=False)
        self.feed_norm = nn.RMSNorm(width)
        self.up = nn.Linear(width, 2 * width, bias=False)
        self.down = nn.Linear(2 * width, width, bias=False)

    def forward(self, x):
        batch, length, width = x.shape
        states = self.query_key_value(self.attention_norm(x)).view(batch, length, self.heads, -1)
        query, key, value = states.transpose(1, 2).chunk(3, dim=-1)
        mixed = F.scaled_dot_product_attention(query, key, value, is_causal=True)
        x = x + self.mix(mixed.transpose(1, 2).reshape(batch, length, width))
        return x + self.down(F.silu(self.up(self.feed_norm(x))))


class FineTuning:
    def __init__(self, vocabulary=20, width=16, lr=1e-5):
        self.embedding = nn.Embedding(vocabulary, width)
        self.model = nn.Sequential(CausalBlock(width, 2), nn.RMSNorm(width), nn.Linear(width, vocabulary, bias=False))
        self.model.to(torch.bfloat16)  # <- blame
        self.embedding.to(torch.bfloat16).requires_grad_(False)
        self.optimizer = torch.optim.SGD(self.model.parameters(), lr=lr)  # <- blame

    def step(self, tokens):
        logits = self.model(self.embedding(tokens[:, :-1]))
        loss = F.cross_entropy(logits.float().flatten(0, 1), tokens[:, 1:].flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main():
    torch.manual_seed(101)
    tuning = FineTuning()
    for step in range(5):
        print(f"step {step} loss {tuning.step(torch.randint(0, 20, (4, 12))):.5f}")


if __name__ == "__main__":
    main()
