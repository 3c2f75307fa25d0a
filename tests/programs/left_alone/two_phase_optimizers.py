"""Linear probe then full fine-tune (LP-FT): optimizer re-created, pretrained embeddings stay frozen throughout."""
import torch
from torch import nn


class Net(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        self.emb = nn.Embedding.from_pretrained(vectors, freeze=True)
        self.body = nn.GRU(vectors.size(1), 16, batch_first=True)
        self.head = nn.Linear(16, 2)
        self.register_buffer("loss_ema", torch.tensor(0.0))

    def forward(self, x):
        return self.head(self.body(self.emb(x))[1][0])


def trainable(m):
    return [p for p in m.parameters() if p.requires_grad]


def train(net, opt, data, steps, body_train):
    x, y = data
    for k in range(steps):
        net.train()
        if not body_train:
            net.body.eval()
        i = torch.randint(0, len(x), (24,))
        loss = nn.functional.cross_entropy(net(x[i]), y[i])
        opt.zero_grad(); loss.backward(); opt.step()
        net.loss_ema.mul_(0.9).add_(0.1 * loss.detach())
    return net.loss_ema.item()


torch.manual_seed(58)
net = Net(torch.randn(25, 12))
x = torch.randint(0, 25, (90, 6)); y = (x[:, -1] > 12).long()
net.body.requires_grad_(False)
print("probe", train(net, torch.optim.Adam(trainable(net), lr=1e-2), (x, y), 8, False))
net.body.requires_grad_(True)
opt = torch.optim.AdamW([{"params": net.body.parameters(), "lr": 1e-3}, {"params": net.head.parameters()}], lr=3e-3)
print("full", train(net, opt, (x, y), 10, True))
net.body.requires_grad_(False)
print("head again", train(net, torch.optim.SGD(net.head.parameters(), lr=0.05, weight_decay=1e-4), (x, y), 6, False))
