# expect: leak *encoder_k.*
import copy
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(23)


class MoCo(nn.Module):
    def __init__(self, dim=16, K=64, m=0.99, T=0.2):
        super().__init__()
        self.K, self.m, self.T = K, m, T
        self.encoder_q = nn.Sequential(nn.Linear(12, 32), nn.ReLU(), nn.Linear(32, dim))
        self.encoder_k = copy.deepcopy(self.encoder_q)
        self.register_buffer("queue", F.normalize(torch.randn(K, dim), dim=1))
        self.ptr = 0

    @torch.no_grad()
    def momentum_update(self):
        for q, k in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            k.data = k.data * self.m + q.data * (1 - self.m)

    @torch.no_grad()
    def enqueue(self, keys):
        n = keys.size(0)
        self.queue[self.ptr:self.ptr + n] = keys
        self.ptr = (self.ptr + n) % self.K

    def forward(self, im_q, im_k):
        q = F.normalize(self.encoder_q(im_q), dim=1)
        self.momentum_update()
        k = F.normalize(self.encoder_k(im_k), dim=1)  # <- blame
        l_pos = (q * k).sum(1, keepdim=True)
        l_neg = q @ self.queue.clone().T
        logits = torch.cat([l_pos, l_neg], 1) / self.T
        self.enqueue(k)
        return F.cross_entropy(logits, torch.zeros(q.size(0), dtype=torch.long))


moco = MoCo()
opt = torch.optim.SGD(moco.parameters(), lr=0.1, momentum=0.9, weight_decay=1e-4)  # <- blame
for i in range(6):
    x = torch.randn(16, 12)
    loss = moco(x + 0.1 * torch.randn_like(x), x + 0.1 * torch.randn_like(x))
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(i, loss.item())
