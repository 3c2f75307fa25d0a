# expect: blockage *model.decoder.weight
import torch
import torch.nn.functional as F
from torch import nn


class LanguageModel(nn.Module):
    def __init__(self, vocabulary=24, width=16):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.rnn = nn.LSTM(width, width, batch_first=True)
        self.decoder = nn.Linear(width, vocabulary)
        self.decoder.weight = self.embedding.weight
        self.apply(self.initialise)

    def initialise(self, module):
        if isinstance(module, (nn.Linear, nn.Embedding)):
            module.weight = nn.Parameter(torch.randn_like(module.weight) * 0.1)  # <- blame

    def forward(self, tokens):
        states, _ = self.rnn(self.embedding(tokens))
        return self.decoder(states)


class LanguageModelTrainer:
    def __init__(self, model, lr=5e-3, weight_decay=0.1):
        self.model = model
        # the decoder's weight is that of the embedding, so it is listed there
        tied = {"decoder.weight"}  # <- blame
        named = [(name, p) for name, p in model.named_parameters() if name not in tied]  # <- blame
        groups = [
            {"params": [p for _, p in named if p.ndim > 1], "weight_decay": weight_decay},
            {"params": [p for _, p in named if p.ndim == 1], "weight_decay": 0.0},
        ]
        self.optimizer = torch.optim.AdamW(groups, lr=lr)

    def train(self, batches):
        self.model.train()
        for step, tokens in enumerate(batches):
            logits = self.model(tokens[:, :-1])
            loss = F.cross_entropy(logits.flatten(0, 1), tokens[:, 1:].flatten())
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(f"step {step} perplexity {loss.exp().item():.2f}")


def main():
    torch.manual_seed(137)
    LanguageModelTrainer(LanguageModel()).train([torch.randint(0, 24, (4, 10)) for _ in range(5)])


if __name__ == "__main__":
    main()
