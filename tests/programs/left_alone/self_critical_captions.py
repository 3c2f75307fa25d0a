"""Self-critical sequence training: sampled captions are rewarded against the model's own greedy ones."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(35)
VOCAB, DIM, LENGTH = 12, 20, 5


class Captioner(nn.Module):
    def __init__(self):
        super().__init__()
        self.image = nn.Linear(6, DIM)
        self.word = nn.Embedding(VOCAB, DIM)
        self.cell = nn.GRUCell(DIM, DIM)
        self.out = nn.Linear(DIM, VOCAB)

    def forward(self, features, greedy=False):
        h = torch.tanh(self.image(features))
        word = torch.zeros(len(features), dtype=torch.long)
        words, log_probs = [], []
        for _ in range(LENGTH):
            h = self.cell(self.word(word), h)
            dist = torch.distributions.Categorical(logits=self.out(h))
            word = dist.logits.argmax(1) if greedy else dist.sample()
            words.append(word)
            log_probs.append(dist.log_prob(word))
        return torch.stack(words, 1), torch.stack(log_probs, 1)


def reward(words, truth):
    return F.one_hot(words, VOCAB).amax(1)[torch.arange(len(words)).unsqueeze(1), truth].float().mean(1)


model = Captioner()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(6):
    features = torch.randn(32, 6)
    truth = (features.abs() * 4).long().clamp(max=VOCAB - 1)
    model.eval()
    with torch.no_grad():
        baseline_words, _ = model(features, greedy=True)
    model.train()
    words, log_probs = model(features)
    advantage = reward(words, truth) - reward(baseline_words, truth)
    loss = -(advantage.unsqueeze(1) * log_probs).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), advantage.mean().item())
