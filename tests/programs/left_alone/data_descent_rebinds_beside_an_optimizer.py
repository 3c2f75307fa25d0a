import torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(11)
x = torch.randn(32, 5)
y = x[:, :3].argmax(1)
mk = lambda: nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3))
a, b, c, d = mk(), mk(), mk(), mk()
opt = torch.optim.SGD(d.parameters(), lr=0.1)
for step in range(4):
    for net in (a, b, c, d):
        net.zero_grad()
        loss = F.cross_entropy(net(x), y)
        loss.backward()
    for p in a.parameters():
        p.data -= 0.3 * p.grad.data
    with torch.no_grad():
        for p in b.parameters():
            p -= 0.3 * p.grad
    c.load_state_dict({name: p - 0.3 * p.grad for name, p in c.named_parameters()})
    opt.step()
