import math
from dataclasses import dataclass

import torch
from torch import nn
from torch.optim.lr_scheduler import LambdaLR


@dataclass
class TrainingConfig:
    total_steps: int = 8
    warmup_steps: int = 3
    lr: float = 1e-3
    weight_decay: float = 0.1
    grad_clip: float = 1.0


def cosine_with_warmup(optimizer, config):
    def factor(step):
        if step < config.warmup_steps:
            return step / config.warmup_steps
        progress = (step - config.warmup_steps) / (config.total_steps - config.warmup_steps)
        return 0.5 * (1.0 + math.cos(math.pi * progress))

    return LambdaLR(optimizer, factor)


def build_model(vocabulary=64, width=32):
    layer = nn.TransformerEncoderLayer(width, 4, 64, dropout=0.0, batch_first=True, norm_first=True)
    return nn.Sequential(
        nn.Embedding(vocabulary, width),
        nn.TransformerEncoder(layer, 1, enable_nested_tensor=False),
        nn.LayerNorm(width),
        nn.Linear(width, vocabulary),
    )


def train(config):
    model = build_model()
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.lr, weight_decay=config.weight_decay)
    scheduler = cosine_with_warmup(optimizer, config)
    for step in range(config.total_steps):
        tokens = torch.randint(0, 64, (8, 12))
        masked = tokens.masked_fill(torch.rand(tokens.shape) < 0.15, 0)
        loss = nn.functional.cross_entropy(model(masked).flatten(0, 1), tokens.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), config.grad_clip)
        optimizer.step()
        print(f"step {step} lr {scheduler.get_last_lr()[0]:.2e} loss {loss.item():.4f}")
        scheduler.step()


if __name__ == "__main__":
    torch.manual_seed(0)
    train(TrainingConfig())
