"""Learning to prompt: a frozen encoder's query picks prompts from a pool by their keys; most prompts rest in a step."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(4)
DIM, POOL, LENGTH, TOP = 16, 4, 2, 2


class Encoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.embed = nn.Linear(4, DIM)
        self.block = nn.TransformerEncoderLayer(DIM, 2, 32, dropout=0.0, batch_first=True)

    def forward(self, patches, prompts=None):
        x = self.embed(patches)
        if prompts is not None:
            x = torch.cat([prompts, x], 1)
        return self.block(x).mean(1)


class PromptPool(nn.Module):
    def __init__(self):
        super().__init__()
        self.prompts = nn.ParameterList(0.02 * torch.randn(LENGTH, DIM) for _ in range(POOL))
        self.keys = nn.Parameter(torch.rand(POOL, DIM))

    def forward(self, query):
        similarity = F.normalize(query, dim=1) @ F.normalize(self.keys, dim=1).T
        votes = torch.bincount(similarity.topk(TOP, dim=1).indices.flatten(), minlength=POOL)
        chosen = votes.topk(TOP).indices
        prompts = torch.cat([self.prompts[i] for i in chosen.tolist()], 0)
        return prompts.expand(len(query), -1, -1), similarity[:, chosen].sum(1).mean()


encoder = Encoder().requires_grad_(False).eval()
pool, head = PromptPool(), nn.Linear(DIM, 5)
domains = 3 * torch.randn(4, 4)
optimizer = torch.optim.Adam([*pool.parameters(), *head.parameters()], lr=5e-3)
for step in range(12):
    label = torch.randint(0, 5, (16,))
    patches = domains[step % 4] + torch.randn(16, 6, 4) + 0.3 * label.view(-1, 1, 1)
    with torch.no_grad():
        query = encoder(patches)
    prompts, pull = pool(query)
    loss = F.cross_entropy(head(encoder(patches, prompts)), label) - 0.1 * pull
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
