"""Results that are computed and left: features on the way, several losses of one line, a critic that a reward alone needs."""
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.first, self.second, self.head = nn.Linear(8, 16), nn.Linear(16, 16), nn.Linear(16, 4)

    def forward(self, x):
        low = torch.relu(self.first(x))
        high = torch.relu(self.second(low))
        return self.head(high), low, high


def classify():
    net = Encoder()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(4):
        x = torch.randn(16, 8)
        logits, low, high = net(x)
        loss = F.cross_entropy(logits, x[:, :4].argmax(1))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("classify", loss.item())


class Quantizer(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder, self.decoder, self.codes = nn.Linear(8, 4), nn.Linear(4, 8), nn.Embedding(16, 4)

    def forward(self, x):
        z = self.encoder(x)
        e = self.codes(torch.cdist(z, self.codes.weight).argmin(1))
        straight = z + (e - z).detach()
        error = (z - e).pow(2).mean()
        return self.decoder(straight), e, z


def quantize():
    net = Quantizer()
    optimizer = torch.optim.Adam(net.parameters(), lr=1e-2)
    for _ in range(4):
        x = torch.randn(16, 8)
        out, e, z = net(x)
        loss = F.mse_loss(out, x) + F.mse_loss(e, z.detach()) + 0.25 * F.mse_loss(z, e.detach())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("quantize", loss.item())


def actor_critic_apart():
    actor, critic = nn.Linear(4, 2), nn.Linear(4, 1)
    act, crit = torch.optim.Adam(actor.parameters(), lr=1e-2), torch.optim.Adam(critic.parameters(), lr=1e-2)
    for _ in range(5):
        s = torch.randn(16, 4)
        dist = torch.distributions.Categorical(logits=actor(s))
        a = dist.sample()
        advantage = s.sum(1) - critic(s).squeeze(1)
        critic_loss = advantage.pow(2).mean()
        actor_loss = -(dist.log_prob(a) * advantage.detach()).mean()
        act.zero_grad()
        actor_loss.backward()
        act.step()
        crit.zero_grad()
        critic_loss.backward()
        crit.step()
    print("actor", actor_loss.item())


def every_second_critic():
    actor, critic = nn.Linear(4, 2), nn.Linear(4, 1)
    optimizer = torch.optim.Adam([*actor.parameters(), *critic.parameters()], lr=1e-2)
    for step in range(6):
        s = torch.randn(16, 4)
        dist = torch.distributions.Categorical(logits=actor(s))
        a = dist.sample()
        advantage = s.sum(1) - critic(s).squeeze(1)
        value_loss = advantage.pow(2).mean()
        policy_loss = -(dist.log_prob(a) * advantage.detach()).mean()
        loss = policy_loss + value_loss if step % 2 else policy_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("second", loss.item())


def last_exit_only():
    blocks = nn.ModuleList(nn.Linear(8, 8) for _ in range(3))
    head = nn.Linear(8, 2)
    optimizer = torch.optim.Adam([*blocks.parameters(), *head.parameters()], lr=1e-2)
    for _ in range(4):
        x = torch.randn(16, 8)
        y, losses = (x[:, 0] > 0).long(), []
        for block in blocks:
            x = torch.relu(block(x))
            losses.append(F.cross_entropy(head(x), y))
        optimizer.zero_grad()
        losses[-1].backward()
        optimizer.step()
    print("exits", [round(v.item(), 2) for v in losses])


def detached_probe():
    body, head, probe = nn.Linear(8, 8), nn.Linear(8, 8), nn.Linear(8, 2)
    optimizer = torch.optim.Adam([*body.parameters(), *head.parameters(), *probe.parameters()], lr=1e-2)

    def loss_of(x):
        h = torch.relu(body(x))
        fixed = h.detach()
        spread = h.std(0).mean()
        return F.mse_loss(head(h), x) + F.cross_entropy(probe(fixed), (x[:, 0] > 0).long())

    for _ in range(4):
        loss = loss_of(torch.randn(16, 8))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print("probe", loss.item())


classify()
quantize()
actor_critic_apart()
every_second_critic()
last_exit_only()
detached_probe()
