import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(55)
N_OLD, N_NEW, D = 20, 4, 10
# old concepts must stay, only the newly added tokens are learned
emb = nn.Embedding(N_OLD + N_NEW, D)
keep = torch.zeros(N_OLD + N_NEW, 1)
keep[N_OLD:] = 1.0
emb.weight.register_hook(lambda g: g * keep)

scorer = nn.Bilinear(D, D, 1)
opt = torch.optim.AdamW([{"params": emb.parameters(), "weight_decay": 0.0},
                         {"params": scorer.parameters(), "weight_decay": 0.1}], lr=5e-3)


def sample_pairs(n=32):
    a = torch.randint(N_OLD, N_OLD + N_NEW, (n,))
    b = torch.randint(0, N_OLD, (n,))
    label = ((a + b) % 2).float()
    return a, b, label


for epoch in range(2):
    running = 0.0
    for _ in range(4):
        a, b, label = sample_pairs()
        logit = scorer(emb(a), emb(b)).squeeze(1)
        loss = F.binary_cross_entropy_with_logits(logit, label)
        opt.zero_grad()
        loss.backward()
        opt.step()
        running += loss.item()
    print("epoch", epoch, "mean loss", running / 4)
