import torch
import torch.nn as nn
import torch.nn.functional as F


class FGM:
    """Perturb the word embeddings along the gradient, and put them back afterwards."""

    def __init__(self, model, emb_name="word_embeddings", epsilon=1.0):
        self.model, self.emb_name, self.epsilon = model, emb_name, epsilon
        self.backup = {}

    def attack(self):
        for name, param in self.model.named_parameters():
            if param.requires_grad and self.emb_name in name:
                self.backup[name] = param.data.clone()
                norm = torch.norm(param.grad)
                if norm != 0 and not torch.isnan(norm):
                    param.data.add_(self.epsilon * param.grad / norm)

    def restore(self):
        for name, param in self.model.named_parameters():
            if name in self.backup:
                param.data = self.backup[name]
        self.backup = {}


class TextCNN(nn.Module):
    def __init__(self, vocab=50, dim=12, classes=3, kernels=(2, 3)):
        super().__init__()
        self.word_embeddings = nn.Embedding(vocab, dim, padding_idx=0)
        self.convs = nn.ModuleList(nn.Conv1d(dim, 8, k) for k in kernels)
        self.fc = nn.Linear(8 * len(kernels), classes)

    def forward(self, ids):
        x = self.word_embeddings(ids).transpose(1, 2)
        return self.fc(torch.cat([torch.relu(c(x)).amax(-1) for c in self.convs], -1))


torch.manual_seed(56)
model = TextCNN()
fgm = FGM(model, epsilon=0.5)
optimizer = torch.optim.Adam(model.parameters(), lr=2e-3)
for step in range(5):
    ids = torch.randint(1, 50, (16, 9))
    ids[:, -2:] = 0
    label = ids[:, 0] % 3
    loss = F.cross_entropy(model(ids), label)
    loss.backward()
    fgm.attack()
    loss_adv = F.cross_entropy(model(ids), label)
    loss_adv.backward()
    fgm.restore()
    optimizer.step()
    model.zero_grad()
    print(step, f"{loss.item():.5f} {loss_adv.item():.5f}")
