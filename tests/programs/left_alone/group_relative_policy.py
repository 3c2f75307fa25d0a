from dataclasses import dataclass

import torch
import torch.nn as nn


@dataclass
class GRPOConfig:
    num_generations: int = 6
    prompts_per_step: int = 3
    completion_length: int = 4
    epsilon: float = 0.2
    learning_rate: float = 5e-3
    steps: int = 4


class Policy(nn.Module):
    def __init__(self, vocab=12, dim=16):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.cell = nn.GRUCell(dim, dim)
        self.head = nn.Linear(dim, vocab)

    def logps(self, prompts, completions):
        h = self.cell(self.embed(prompts))
        out = []
        for token in completions.T:
            out.append(self.head(h).log_softmax(-1).gather(-1, token[:, None]).squeeze(-1))
            h = self.cell(self.embed(token), h)
        return torch.stack(out, 1)

    @torch.no_grad()
    def generate(self, prompts, length, generator):
        h, tokens = self.cell(self.embed(prompts)), []
        for _ in range(length):
            token = torch.multinomial(self.head(h).softmax(-1), 1, generator=generator).squeeze(-1)
            tokens.append(token)
            h = self.cell(self.embed(token), h)
        return torch.stack(tokens, 1)


def reward_fn(prompts, completions):
    return (completions == prompts[:, None]).float().sum(1) + (completions % 2 == 0).float().mean(1)


def compute_loss(policy, prompts, completions, cfg):
    rewards = reward_fn(prompts, completions).view(-1, cfg.num_generations)
    advantages = (rewards - rewards.mean(1, keepdim=True)) / (rewards.std(1, keepdim=True) + 1e-4)
    advantages = advantages.view(-1, 1)
    logps = policy.logps(prompts, completions)
    ratio = torch.exp(logps - logps.detach())
    clipped = ratio.clamp(1 - cfg.epsilon, 1 + cfg.epsilon)
    loss = -torch.min(ratio * advantages, clipped * advantages).mean()
    return loss, rewards.mean()


cfg = GRPOConfig()
torch.manual_seed(47)
generator = torch.Generator().manual_seed(47)
policy = Policy()
optimizer = torch.optim.AdamW(policy.parameters(), lr=cfg.learning_rate)
for step in range(cfg.steps):
    prompts = torch.randint(0, 12, (cfg.prompts_per_step,), generator=generator).repeat_interleave(cfg.num_generations)
    completions = policy.generate(prompts, cfg.completion_length, generator)
    loss, reward = compute_loss(policy, prompts, completions, cfg)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.4f} reward {reward.item():.4f}")
