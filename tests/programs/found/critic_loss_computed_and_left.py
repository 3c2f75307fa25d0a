# expect: blockage *critic.*
import torch
from torch import nn
torch.manual_seed(3)
actor = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 2))
critic = nn.Sequential(nn.Linear(4, 16), nn.Tanh(), nn.Linear(16, 1))
optimizer = torch.optim.Adam(list(actor.parameters()) + list(critic.parameters()), lr=1e-3)
def update(obs, rewards):
    dist = torch.distributions.Categorical(logits=actor(obs))
    action = dist.sample()
    value = critic(obs).squeeze(-1)
    with torch.no_grad():
        advantage = rewards - value
    critic_loss = nn.functional.smooth_l1_loss(value, rewards)  # <- blame
    actor_loss = -(dist.log_prob(action) * advantage).mean()
    optimizer.zero_grad()
    actor_loss.backward()  # <- blame
    optimizer.step()
    return {"actor": actor_loss.item(), "critic": critic_loss.item()}
for _ in range(5):
    obs = torch.randn(32, 4)
    print(update(obs, obs.sum(1)))
