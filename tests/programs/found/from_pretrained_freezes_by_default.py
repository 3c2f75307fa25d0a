"""Sentiment model whose pretrained word vectors are to be fine-tuned with a smaller rate."""
# options: --trainable model.words
# expect: blockage model.words.weight
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(132)
VOCAB, DIM = 60, 12


def load_vectors():
    g = torch.Generator().manual_seed(7)
    return torch.randn(VOCAB, DIM, generator=g)


class Sentiment(nn.Module):
    def __init__(self, vectors):
        super().__init__()
        self.words = nn.Embedding.from_pretrained(vectors)  # <- blame
        self.lstm = nn.LSTM(DIM, 16, batch_first=True)
        self.attend = nn.Linear(16, 1)
        self.classify = nn.Linear(16, 2)

    def forward(self, tokens):
        h, _ = self.lstm(self.words(tokens))
        weight = self.attend(h).softmax(1)
        return self.classify((weight * h).sum(1))


model = Sentiment(load_vectors())
embedding_params = list(model.words.parameters())
other_params = [p for n, p in model.named_parameters() if not n.startswith("words.")]
optimizer = torch.optim.Adam(
    [{"params": other_params, "lr": 5e-3}, {"params": embedding_params, "lr": 5e-4}]  # fine-tune the vectors gently
)

for step in range(5):
    tokens = torch.randint(0, VOCAB, (16, 9))
    label = (tokens.float().mean(1) > VOCAB / 2).long()
    loss = F.cross_entropy(model(tokens), label)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
