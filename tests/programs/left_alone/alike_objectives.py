"""Objectives that go through a network which has one of its own, in programs that train it by both or keep them apart."""

import itertools

import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(4)


def net(inputs, outputs):
    return nn.Sequential(nn.Linear(inputs, 16), nn.ReLU(), nn.Linear(16, outputs))


class Reversed(torch.autograd.Function):
    @staticmethod
    def forward(ctx, x):
        return x.view_as(x)

    @staticmethod
    def backward(ctx, gradient):
        return -gradient


def step(optimizer, loss):
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()


def ddpg_in_two_backwards():
    """One optimizer for both, but the critic stands still while the actor's objective is computed."""
    actor, critic = net(4, 2), net(6, 1)
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=1e-3)
    for _ in range(4):
        s, a = torch.randn(16, 4), torch.randn(16, 2)
        critic_loss = F.mse_loss(critic(torch.cat([s, a], 1)).squeeze(1), (s[:, :2] * a).sum(1))
        critic.requires_grad_(False)
        actor_loss = -critic(torch.cat([s, actor(s)], 1)).mean()
        critic.requires_grad_(True)
        step(optimizer, critic_loss + actor_loss)


def conservative_critic():
    """CQL: the critic is meant to give low marks to what the actor would do; the actor has a step of its own."""
    actor, critic = net(4, 2), net(6, 1)
    actor_opt = torch.optim.Adam(actor.parameters(), lr=1e-3)
    critic_opt = torch.optim.Adam(critic.parameters(), lr=1e-3)
    for _ in range(4):
        s, a, r = torch.randn(16, 4), torch.randn(16, 2), torch.randn(16)
        q = critic(torch.cat([s, a], 1)).squeeze(1)
        low = critic(torch.cat([s, actor(s).detach()], 1)).mean() - q.mean()
        step(critic_opt, F.mse_loss(q, r) + 0.5 * low)
        critic.requires_grad_(False)
        step(actor_opt, -critic(torch.cat([s, actor(s)], 1)).mean())
        critic.requires_grad_(True)


def cycle_with_identity():
    there, back = net(5, 5), net(5, 5)
    optimizer = torch.optim.Adam(itertools.chain(there.parameters(), back.parameters()), lr=1e-3)
    for _ in range(4):
        a, b = torch.randn(16, 5), torch.randn(16, 5)
        cycle = F.l1_loss(back(there(a)), a) + F.l1_loss(there(back(b)), b)
        identity = F.l1_loss(there(b), b) + F.l1_loss(back(a), a)
        step(optimizer, cycle + 0.5 * identity)


def critic_behind_a_reversal():
    """A Wasserstein critic learns in the same backward as the features, whose gradient is turned round."""
    features, critic, head = net(5, 8), net(8, 1), net(8, 3)
    optimizer = torch.optim.Adam([*features.parameters(), *critic.parameters(), *head.parameters()], lr=1e-3)
    for _ in range(4):
        a, b = features(torch.randn(16, 5)), features(torch.randn(16, 5) + 1)
        distance = critic(Reversed.apply(a)).mean() - critic(Reversed.apply(b)).mean()
        small = critic(torch.randn(16, 8)).pow(2).mean()
        step(optimizer, F.cross_entropy(head(a), torch.randint(0, 3, (16,))) - distance + 0.1 * small)


def regularised_scorer():
    """A score with a penalty on the weights of what gives it: nothing fits the scorer to anything else."""
    features, scorer = net(5, 8), nn.Linear(8, 1)
    optimizer = torch.optim.SGD([*features.parameters(), *scorer.parameters()], lr=0.01)
    for _ in range(4):
        x = torch.randn(16, 5)
        margin = scorer(features(x)).mean() - scorer(features(-x)).mean()
        step(optimizer, -margin + 0.1 * scorer.weight.pow(2).sum())


def head_with_more_data():
    """A head learns from live features and from a bank of stored ones."""
    features, head = net(5, 8), net(8, 3)
    bank, labels = torch.randn(32, 8), torch.randint(0, 3, (32,))
    optimizer = torch.optim.SGD([*features.parameters(), *head.parameters()], lr=0.05)
    for _ in range(4):
        live = F.cross_entropy(head(features(torch.randn(16, 5))), torch.randint(0, 3, (16,)))
        step(optimizer, live + 0.5 * F.cross_entropy(head(bank), labels))


def wasserstein():
    generator, critic = net(3, 5), net(5, 1)
    g_opt = torch.optim.RMSprop(generator.parameters(), lr=1e-4)
    d_opt = torch.optim.RMSprop(critic.parameters(), lr=1e-4)
    for _ in range(4):
        real, z = torch.randn(16, 5), torch.randn(16, 3)
        fake = generator(z).detach()
        drift = critic(real).pow(2).mean()
        step(d_opt, critic(fake).mean() - critic(real).mean() + 1e-3 * drift)
        critic.requires_grad_(False)
        step(g_opt, -critic(generator(z)).mean())
        critic.requires_grad_(True)


for run in (
    ddpg_in_two_backwards,
    conservative_critic,
    cycle_with_identity,
    critic_behind_a_reversal,
    regularised_scorer,
    head_with_more_data,
    wasserstein,
):
    run()
print("done")
