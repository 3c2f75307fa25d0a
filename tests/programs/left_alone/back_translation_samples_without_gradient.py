"""Back-translation: each direction learns from the other's greedy output, which is discrete and carries no gradient."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(23)
VOCAB, DIM = 18, 16


class Translator(nn.Module):
    def __init__(self):
        super().__init__()
        self.source = nn.Embedding(VOCAB, DIM)
        self.encoder = nn.GRU(DIM, DIM, batch_first=True, bidirectional=True)
        self.out = nn.Linear(2 * DIM, VOCAB)

    def forward(self, ids):
        return self.out(self.encoder(self.source(ids))[0])

    @torch.no_grad()
    def translate(self, ids):
        was_training = self.training
        self.eval()
        result = self(ids).argmax(-1)
        self.train(was_training)
        return result


forth, back = Translator(), Translator()
forth_opt = torch.optim.Adam(forth.parameters(), lr=5e-3)
back_opt = torch.optim.Adam(back.parameters(), lr=5e-3)
permutation = torch.randperm(VOCAB)


def learn(model, optimizer, source, target):
    loss = F.cross_entropy(model(source).flatten(0, 1), target.flatten())
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    return loss.item()


for step in range(4):
    parallel = torch.randint(0, VOCAB, (8, 6))
    supervised = learn(forth, forth_opt, parallel, permutation[parallel])
    supervised += learn(back, back_opt, permutation[parallel], parallel)

    mono_a = torch.randint(0, VOCAB, (8, 6))
    mono_b = permutation[torch.randint(0, VOCAB, (8, 6))]
    loss_back = learn(back, back_opt, forth.translate(mono_a), mono_a)
    loss_forth = learn(forth, forth_opt, back.translate(mono_b), mono_b)
    print(step, supervised, loss_back, loss_forth)
