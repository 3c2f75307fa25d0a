from dataclasses import dataclass

import torch
import torch.nn as nn
from torch.distributions import Categorical
from torch.utils.data import BatchSampler, SubsetRandomSampler


@dataclass
class Args:
    total_updates: int = 2
    num_steps: int = 16
    update_epochs: int = 2
    minibatch_size: int = 16
    gamma: float = 0.99
    gae_lambda: float = 0.95
    clip_coef: float = 0.2
    ent_coef: float = 0.01


class Agent(nn.Module):
    def __init__(self, obs_dim=4, n_actions=3):
        super().__init__()
        self.critic = nn.Sequential(nn.Linear(obs_dim, 32), nn.Tanh(), nn.Linear(32, 1))
        self.actor = nn.Sequential(nn.Linear(obs_dim, 32), nn.Tanh(), nn.Linear(32, n_actions))

    def forward(self, x):
        return Categorical(logits=self.actor(x)), self.critic(x).squeeze(-1)


class PPO:
    def __init__(self, args):
        self.args = args
        self.agent = Agent()
        self.optimizer = torch.optim.Adam(self.agent.parameters(), lr=2.5e-3, eps=1e-5)
        self.scheduler = torch.optim.lr_scheduler.LinearLR(self.optimizer, 1.0, 0.1, total_iters=args.total_updates)
        self.obs = torch.randn(4, 4)

    @torch.no_grad()
    def collect(self):
        rows = []
        for _ in range(self.args.num_steps):
            probs, value = self.agent(self.obs)
            action = probs.sample()
            next_obs = 0.9 * self.obs + 0.3 * (action - 1).unsqueeze(1) + 0.1 * torch.randn_like(self.obs)
            rows.append((self.obs, action, probs.log_prob(action), -next_obs.abs().mean(1), value))
            self.obs = next_obs
        obs, actions, logprobs, rewards, values = (torch.stack(column) for column in zip(*rows))
        next_value = self.agent.critic(self.obs).squeeze(-1)
        advantages, lastgaelam = torch.zeros_like(rewards), 0
        for t in reversed(range(self.args.num_steps)):
            delta = rewards[t] + self.args.gamma * next_value - values[t]
            advantages[t] = lastgaelam = delta + self.args.gamma * self.args.gae_lambda * lastgaelam
            next_value = values[t]
        return [tensor.flatten(0, 1) for tensor in (obs, actions, logprobs, advantages, advantages + values)]

    def update(self, batch):
        b_obs, b_actions, b_logprobs, b_advantages, b_returns = batch
        for _ in range(self.args.update_epochs):
            for mb in BatchSampler(SubsetRandomSampler(range(len(b_obs))), self.args.minibatch_size, drop_last=True):
                probs, newvalue = self.agent(b_obs[mb])
                ratio = (probs.log_prob(b_actions[mb]) - b_logprobs[mb]).exp()
                mb_adv = (b_advantages[mb] - b_advantages[mb].mean()) / (b_advantages[mb].std() + 1e-8)
                clipped = torch.clamp(ratio, 1 - self.args.clip_coef, 1 + self.args.clip_coef)
                pg_loss = torch.max(-mb_adv * ratio, -mb_adv * clipped).mean()
                v_loss = ((newvalue - b_returns[mb]) ** 2).mean()
                loss = pg_loss - self.args.ent_coef * probs.entropy().mean() + 0.5 * v_loss
                self.optimizer.zero_grad()
                loss.backward()
                nn.utils.clip_grad_norm_(self.agent.parameters(), 0.5)
                self.optimizer.step()
        self.scheduler.step()
        print(f"pg_loss {pg_loss.item():.4f} v_loss {v_loss.item():.4f} mean return {b_returns.mean().item():.3f}")


if __name__ == "__main__":
    torch.manual_seed(1)
    trainer = PPO(Args())
    for _ in range(trainer.args.total_updates):
        trainer.update(trainer.collect())
