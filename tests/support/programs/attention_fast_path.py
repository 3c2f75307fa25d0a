# feature: MultiheadAttention, its fast path in eval mode
# group: Modules
# level: traced
# known: Each call as one op; the fast path is taken as without the tool.
# options: --frozen critic
# expect: leak critic.*
# expect: blockage encoder.*
import torch
from torch import nn
torch.manual_seed(0)
encoder, middle, head, critic = nn.Linear(4, 8), nn.Linear(8, 8), nn.Linear(8, 1), nn.Linear(1, 1)
layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
held = [*encoder.parameters(), *layer.parameters(), *middle.parameters(), *head.parameters(), *critic.parameters()]
opt = torch.optim.SGD(held, lr=0.1)  # <- blame  # right: critic.requires_grad_(False); opt = torch.optim.SGD(held, lr=0.1)
for step in range(3):
    signal = encoder(torch.randn(16, 4)).detach()  # <- blame 2  # right: signal = encoder(torch.randn(16, 4))
    encoded = layer(signal.view(2, 8, 8))
    layer.eval()
    with torch.no_grad():
        print(layer(signal.view(2, 8, 8)).sum().item())
    layer.train()
    hidden = middle(encoded.reshape(16, 8))
    loss = critic(head(hidden).tanh()).pow(2).mean()
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(loss.item())
