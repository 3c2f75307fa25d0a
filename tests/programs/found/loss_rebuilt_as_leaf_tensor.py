# expect: blockage *tagger.*
import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, words=50, tags=5, width=16):
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.lstm = nn.LSTM(width, width, batch_first=True, bidirectional=True)
        self.tag = nn.Linear(2 * width, tags)

    def forward(self, sentence):
        return self.tag(self.lstm(self.embedding(sentence))[0])


class Trainer:
    def __init__(self, tagger):
        self.tagger = tagger
        self.criterion = nn.CrossEntropyLoss()
        self.optimizer = torch.optim.Adam(tagger.parameters(), lr=1e-2)

    def batch_loss(self, sentences):
        losses = []
        for words, tags in sentences:
            losses.append(self.criterion(self.tagger(words[None])[0], tags).item())  # <- blame
        return torch.tensor(sum(losses) / len(losses), requires_grad=True)  # <- blame

    def train(self, batches, epochs):
        for epoch in range(epochs):
            for sentences in batches:
                self.optimizer.zero_grad()
                loss = self.batch_loss(sentences)
                loss.backward()
                self.optimizer.step()
            print("epoch", epoch, "loss", loss.item())


torch.manual_seed(0)
corpus = [(torch.randint(0, 50, (n,)), torch.randint(0, 5, (n,))) for n in (4, 7, 3, 6, 5, 8)]
trainer = Trainer(Tagger())
trainer.train([corpus[:3], corpus[3:]], epochs=2)
