"""Numbers that leave torch and come back for a reason: old probabilities, scales, baselines, targets, thresholds."""
import torch
import torch.nn.functional as F
from torch import nn
from torch.distributions import Categorical

torch.manual_seed(0)


def ppo(steps=3):
    policy = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 3))
    value = nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*policy.parameters(), *value.parameters()], lr=1e-2)
    for _ in range(steps):
        states, actions, old, baselines, rewards = [], [], [], [], []
        for _ in range(12):
            s = torch.randn(4)
            d = Categorical(logits=policy(s))
            a = d.sample()
            states.append(s)
            actions.append(a.item())
            old.append(d.log_prob(a).item())
            baselines.append(value(s).item())
            rewards.append(float(s[a]))
        states, actions = torch.stack(states), torch.tensor(actions)
        old, rewards = torch.tensor(old), torch.tensor(rewards)
        advantage = rewards - torch.tensor(baselines)
        for _ in range(2):
            new = Categorical(logits=policy(states)).log_prob(actions)
            ratio = (new - old).exp()
            kl = (old - new).mean()
            loss = -torch.min(ratio * advantage, ratio.clamp(0.8, 1.2) * advantage).mean() + 0.1 * kl
            loss = loss + F.mse_loss(value(states).squeeze(1), rewards)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
    print("ppo", loss.item())


def scaled_by_its_own_size(steps=4):
    net = nn.Linear(6, 2)
    optimizer = torch.optim.SGD(net.parameters(), lr=0.1)
    first = None
    for _ in range(steps):
        x = torch.randn(16, 6)
        out = net(x)
        a, b = F.mse_loss(out[:, 0], x[:, 0]), F.mse_loss(out[:, 1], x[:, 1])
        scale = b.item()
        first = first if first is not None else a.item()
        loss = a * scale / first + b
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("scaled", loss.item())


def temperature_of_a_batch(steps=4):
    net = nn.Linear(6, 4)
    log_temperature = nn.Parameter(torch.zeros(()))
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    tuning = torch.optim.Adam([log_temperature], lr=1e-2)
    for _ in range(steps):
        x = torch.randn(16, 6)
        logits = net(x)
        entropy = -(logits.softmax(1) * logits.log_softmax(1)).sum(1).mean()
        alpha = log_temperature.exp().item()
        loss = F.cross_entropy(logits, x[:, :4].argmax(1)) - alpha * entropy
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        tune = log_temperature * (entropy.item() - 1.1)
        tuning.zero_grad()
        tune.backward()
        tuning.step()
    print("temperature", alpha)


def margin_from_the_batch(steps=4):
    net = nn.Linear(6, 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        x = torch.randn(16, 6)
        z = F.normalize(net(x), dim=1)
        hardest = (z @ z.T).max(1).values.mean().item()
        pull = (z - z.flip(0)).pow(2).sum(1).mean()
        loss = torch.relu(pull - hardest) + F.mse_loss(z, x[:, :3])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("margin", loss.item())


def reported_in_one_line(steps=4):
    net = nn.Linear(6, 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    total = 0.0
    history = torch.zeros(steps)
    for step in range(steps):
        x = torch.randn(16, 6)
        loss = F.mse_loss(net(x), x[:, :3])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        total = total + loss.item()
        history[step] = loss.item()
    print("report", total, history.mean().item())


ppo()
scaled_by_its_own_size()
temperature_of_a_batch()
margin_from_the_batch()
reported_in_one_line()


def stable_sums(steps=4):
    net = nn.Linear(6, 3)
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(steps):
        x = torch.randn(16, 6)
        logits = net(x)
        largest = logits.max().item()
        lse = (logits - largest).exp().sum(1).log() + largest
        loss = (lse - logits[:, 0]).mean()
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("stable", loss.item())


stable_sums()
