import torch
import torch.nn as nn
import torch.nn.functional as F


class Scorer(nn.Module):
    def __init__(self, vocab=32, dim=12):
        super().__init__()
        self.embed = nn.Embedding(vocab, dim)
        self.block = nn.Sequential(nn.Linear(dim, 2 * dim), nn.GELU(), nn.Linear(2 * dim, dim))
        self.lm_head = nn.Linear(dim, vocab, bias=False)

    def logprob(self, ids):
        h = self.embed(ids[:, :-1])
        logits = self.lm_head(h + self.block(h))
        picked = logits.log_softmax(-1).gather(-1, ids[:, 1:, None])
        return picked.squeeze(-1).sum(-1)


def load_reference(checkpoint):
    with torch.device("meta"):
        model = Scorer()
    model.load_state_dict(dict(checkpoint), assign=True)
    return model.eval().requires_grad_(False)


def load_policy(checkpoint):
    model = Scorer()
    model.load_state_dict(checkpoint)
    return model.train()


def dpo_loss(policy, reference, chosen, rejected, beta=0.3):
    with torch.no_grad():
        ref_margin = reference.logprob(chosen) - reference.logprob(rejected)
    margin = policy.logprob(chosen) - policy.logprob(rejected)
    return -F.logsigmoid(beta * (margin - ref_margin)).mean(), (margin - ref_margin).mean()


def sft_checkpoint(seed=19):
    torch.manual_seed(seed)
    return Scorer().state_dict()


checkpoint = sft_checkpoint()
reference = load_reference(checkpoint)
policy = load_policy(checkpoint)
optimizer = torch.optim.Adam(policy.parameters(), lr=1e-3)
generator = torch.Generator().manual_seed(4)
for step in range(5):
    chosen = torch.randint(0, 16, (10, 7), generator=generator)
    rejected = torch.randint(16, 32, (10, 7), generator=generator)
    loss, margin = dpo_loss(policy, reference, chosen, rejected)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} loss {loss.item():.5f} margin {margin.item():.5f}")
