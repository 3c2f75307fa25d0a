# feature: a parametrization of one's own
# group: Parametrizations
# level: traced
# known: The original; a line inside the parametrization is named.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
# expect: blockage middle.parametrizations.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
class Positive(nn.Module):
    def forward(self, weight):
        return weight.detach().exp()  # <- blame 3  # right: return weight.exp()
nn.utils.parametrize.register_parametrization(middle, "weight", Positive())
held = [*encoder.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    hidden = middle(signal)
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
