"""Direct preference optimisation: log-ratios of the policy against a fixed copy of its start."""
import copy

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(20)
VOCAB, DIM = 24, 16


class LM(nn.Module):
    def __init__(self):
        super().__init__()
        self.wte = nn.Embedding(VOCAB, DIM)
        self.rnn = nn.GRU(DIM, DIM, batch_first=True)
        self.lm_head = nn.Linear(DIM, VOCAB, bias=False)
        self.lm_head.weight = self.wte.weight

    def forward(self, ids):
        return self.lm_head(self.rnn(self.wte(ids))[0])


def sequence_logps(model, ids, prompt_length):
    logps = model(ids[:, :-1]).log_softmax(-1)
    token_logps = logps.gather(2, ids[:, 1:, None]).squeeze(2)
    return token_logps[:, prompt_length - 1 :].sum(1)


policy = LM()
reference = copy.deepcopy(policy).eval()
for p in reference.parameters():
    p.requires_grad = False
optimizer = torch.optim.AdamW(policy.parameters(), lr=2e-3)
BETA = 0.5
for step in range(5):
    prompt = torch.randint(0, VOCAB, (8, 4))
    chosen = torch.cat([prompt, prompt.flip(1)], 1)
    rejected = torch.cat([prompt, torch.randint(0, VOCAB, (8, 4))], 1)
    both = torch.cat([chosen, rejected])
    pi_chosen, pi_rejected = sequence_logps(policy, both, 4).chunk(2)
    with torch.no_grad():
        ref_chosen, ref_rejected = sequence_logps(reference, both, 4).chunk(2)
    logits = (pi_chosen - pi_rejected) - (ref_chosen - ref_rejected)
    loss = -F.logsigmoid(BETA * logits).mean()
    reward_gap = (BETA * logits).detach().mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), reward_gap.item())
