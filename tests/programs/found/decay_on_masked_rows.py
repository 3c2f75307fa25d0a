# expect: leak *emb.weight
import torch
from torch import nn

torch.manual_seed(10)
OLD = 20


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.emb = nn.Embedding(OLD + 4, 12)
        self.fc = nn.Linear(12, 2)

    def forward(self, x):
        return self.fc(self.emb(x).mean(1))


net = Net()
opt = torch.optim.AdamW(net.parameters(), lr=1e-2, weight_decay=0.05)  # <- blame
ids = torch.randint(0, OLD + 4, (90, 5)); lab = (ids >= OLD).any(1).long()
for step in range(10):
    i = torch.randint(0, 90, (30,))
    loss = nn.functional.cross_entropy(net(ids[i]), lab[i])
    opt.zero_grad()
    loss.backward()
    net.emb.weight.grad[:OLD] = 0            # only the new tokens are to be learned
    opt.step()
print(loss.item())
