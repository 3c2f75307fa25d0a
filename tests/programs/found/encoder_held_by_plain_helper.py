# expect: blockage *words.*
import torch
from torch import nn

PAD = 0


class WordEncoder:  # <- blame
    """Looks words up and runs over them in both directions."""

    def __init__(self, vocabulary, width):
        self.table = nn.Embedding(vocabulary, width, padding_idx=PAD)
        self.rnn = nn.LSTM(width, width, bidirectional=True, batch_first=True)

    def encode(self, tokens):
        states, _ = self.rnn(self.table(tokens))
        return states


class Tagger(nn.Module):
    def __init__(self, vocabulary, width, tags):
        super().__init__()
        self.words = WordEncoder(vocabulary, width)  # <- blame
        self.scores = nn.Linear(2 * width, tags)

    def forward(self, tokens):
        return self.scores(self.words.encode(tokens))


class TaggerTraining:
    def __init__(self, tagger, lr=5e-3):
        self.tagger = tagger
        self.loss = nn.CrossEntropyLoss(ignore_index=-100)
        self.optimizer = torch.optim.Adam(tagger.parameters(), lr=lr)

    def update(self, tokens, tags):
        scores = self.tagger(tokens)
        loss = self.loss(scores.flatten(0, 1), tags.flatten())
        self.optimizer.zero_grad()
        loss.backward()
        self.optimizer.step()
        return loss.item()

    def run(self, sentences):
        for epoch in range(2):
            losses = [self.update(tokens, tags) for tokens, tags in sentences]
            print("epoch", epoch, "loss", round(sum(losses) / len(losses), 4))


def make_sentences(count, length, vocabulary, tags):
    for _ in range(count):
        tokens = torch.randint(1, vocabulary, (4, length))
        tokens[:, -2:] = PAD
        labels = tokens % tags
        labels[tokens == PAD] = -100
        yield tokens, labels


def main():
    torch.manual_seed(6)
    TaggerTraining(Tagger(vocabulary=40, width=12, tags=5)).run(list(make_sentences(3, 9, 40, 5)))


if __name__ == "__main__":
    main()
