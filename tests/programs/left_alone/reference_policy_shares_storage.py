import torch
import torch.nn.functional as F
from torch import nn


class Policy(nn.Module):
    def __init__(self, n_observations=6, n_actions=4):
        super().__init__()
        self.body = nn.Linear(n_observations, 24)
        self.logits = nn.Linear(24, n_actions)

    def forward(self, observation):
        return F.log_softmax(self.logits(torch.tanh(self.body(observation))), dim=-1)


def make_reference(policy):
    reference = Policy()
    for target, source in zip(reference.parameters(), policy.parameters(), strict=True):
        target.data = source.data.clone()
        target.requires_grad = False
    return reference.eval()


def rollout(policy, n=32):
    observation = torch.randn(n, 6)
    with torch.no_grad():
        action = torch.multinomial(policy(observation).exp(), 1)
    reward = (action.float() - observation[:, :1]).abs().neg()
    return observation, action, reward - reward.mean()


def main(updates=5, beta=0.1):
    torch.manual_seed(9)
    policy = Policy()
    reference = make_reference(policy)
    optimizer = torch.optim.Adam(policy.parameters(), lr=1e-2)
    for update in range(updates):
        observation, action, advantage = rollout(policy)
        log_probs = policy(observation)
        with torch.no_grad():
            reference_log_probs = reference(observation)
        chosen = log_probs.gather(1, action)
        kl = (log_probs.exp() * (log_probs - reference_log_probs)).sum(-1).mean()
        loss = -(chosen * advantage).mean() + beta * kl
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"update {update}: loss {loss.item():.4f} kl {kl.item():.5f}")


if __name__ == "__main__":
    main()
