# expect: blockage *model.embedding.weight
import torch
from torch import nn
from torch.nn.utils.rnn import pad_sequence

SPECIAL = ["<unk>", "<pad>"]
SENTENCES = [
    ("a good film with a good cast", 1),
    ("a dull film", 0),
    ("the cast was good", 1),
    ("dull and long zzz", 0),
    ("the story was good qqq", 1),
    ("long long story", 0),
]


def build_vocabulary(sentences):
    words = sorted({word for text, _ in sentences for word in text.split() if len(set(word)) > 1})
    return {word: index for index, word in enumerate([*SPECIAL, *words])}


def encode(text, vocabulary):
    return torch.tensor([vocabulary.get(word, vocabulary["<unk>"]) for word in text.split()])


class SentenceClassifier(nn.Module):
    def __init__(self, vocabulary_size, width=12, classes=2):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary_size, width, padding_idx=0)  # <- blame
        self.rnn = nn.GRU(width, width, batch_first=True)
        self.output = nn.Linear(width, classes)

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        return self.output(states.mean(dim=1))


def train(vocabulary, epochs):
    model = SentenceClassifier(len(vocabulary))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    criterion = nn.CrossEntropyLoss()
    texts = [encode(text, vocabulary) for text, _ in SENTENCES]
    tokens = pad_sequence(texts, batch_first=True, padding_value=vocabulary["<pad>"])
    labels = torch.tensor([label for _, label in SENTENCES])
    for epoch in range(epochs):
        loss = criterion(model(tokens), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"epoch {epoch} loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(103)
    train(build_vocabulary(SENTENCES), epochs=5)
