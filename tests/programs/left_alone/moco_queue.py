"""MoCo v2 with a FIFO queue as buffer and a momentum key encoder."""
import torch
from torch import nn
import torch.nn.functional as F


class MoCo(nn.Module):
    def __init__(self, base, dim=8, K=64, m=0.95, T=0.2):
        super().__init__()
        self.K, self.m, self.T = K, m, T
        self.encoder_q, self.encoder_k = base(dim), base(dim)
        for pq, pk in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            pk.data.copy_(pq.data)
            pk.requires_grad = False
        self.register_buffer("queue", F.normalize(torch.randn(dim, K), dim=0))
        self.register_buffer("queue_ptr", torch.zeros(1, dtype=torch.long))

    @torch.no_grad()
    def _momentum_update_key_encoder(self):
        for pq, pk in zip(self.encoder_q.parameters(), self.encoder_k.parameters()):
            pk.data = pk.data * self.m + pq.data * (1.0 - self.m)

    @torch.no_grad()
    def _dequeue_and_enqueue(self, keys):
        b, ptr = keys.shape[0], int(self.queue_ptr)
        self.queue[:, ptr:ptr + b] = keys.T
        self.queue_ptr[0] = (ptr + b) % self.K

    def forward(self, im_q, im_k):
        q = F.normalize(self.encoder_q(im_q), dim=1)
        with torch.no_grad():
            self._momentum_update_key_encoder()
            k = F.normalize(self.encoder_k(im_k), dim=1)
        l_pos = torch.einsum("nc,nc->n", [q, k]).unsqueeze(-1)
        l_neg = torch.einsum("nc,ck->nk", [q, self.queue.clone().detach()])
        logits = torch.cat([l_pos, l_neg], dim=1) / self.T
        self._dequeue_and_enqueue(k)
        return logits, torch.zeros(len(logits), dtype=torch.long)


torch.manual_seed(17)
moco = MoCo(lambda d: nn.Sequential(nn.Linear(10, 32), nn.ReLU(), nn.Linear(32, d)))
opt = torch.optim.SGD(filter(lambda p: p.requires_grad, moco.parameters()), 0.1, momentum=0.9, weight_decay=1e-4)
x = torch.randn(256, 10)
for step in range(16):
    b = x[torch.randint(0, 256, (16,))]
    out, lab = moco(b + 0.1 * torch.randn_like(b), b + 0.1 * torch.randn_like(b))
    loss = F.cross_entropy(out, lab)
    opt.zero_grad(); loss.backward(); opt.step()
    if step % 4 == 3:
        print(step, loss.item())
