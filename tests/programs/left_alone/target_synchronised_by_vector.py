"""Q-learning: every few steps the target network takes over the online one, as one long vector."""
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.manual_seed(252)


def q_network():
    return nn.Sequential(nn.Linear(4, 24), nn.ReLU(), nn.Linear(24, 3))


online, target = q_network(), q_network()
vector_to_parameters(parameters_to_vector(online.parameters()), target.parameters())
optimizer = torch.optim.Adam(online.parameters(), lr=1e-3)
for step in range(7):
    state, following = torch.randn(16, 4), torch.randn(16, 4)
    action = torch.randint(0, 3, (16, 1))
    with torch.no_grad():
        best = online(following).argmax(1, keepdim=True)
        wanted = state.mean(1, keepdim=True) + 0.9 * target(following).gather(1, best)
    loss = F.smooth_l1_loss(online(state).gather(1, action), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 2 == 1:
        vector_to_parameters(parameters_to_vector(online.parameters()), target.parameters())
    print(step, loss.item())
