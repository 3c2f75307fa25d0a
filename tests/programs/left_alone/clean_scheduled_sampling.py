import random

import torch
import torch.nn as nn

SOS, VOCAB = 0, 20


class Seq2Seq(nn.Module):
    def __init__(self, hidden=32):
        super().__init__()
        self.source_embedding = nn.Embedding(VOCAB, hidden)
        self.target_embedding = nn.Embedding(VOCAB, hidden)
        self.encoder = nn.GRU(hidden, hidden, batch_first=True)
        self.decoder = nn.GRUCell(hidden, hidden)
        self.out = nn.Linear(hidden, VOCAB)

    def forward(self, source, target, teacher_forcing):
        _, state = self.encoder(self.source_embedding(source))
        state = state[-1]
        token = torch.full((len(source),), SOS)
        logits = []
        for position in range(target.size(1)):
            state = self.decoder(self.target_embedding(token), state)
            step_logits = self.out(state)
            logits.append(step_logits)
            use_teacher = random.random() < teacher_forcing
            token = target[:, position] if use_teacher else step_logits.argmax(dim=-1)
        return torch.stack(logits, dim=1)


class Seq2SeqTrainer:
    def __init__(self, total_steps):
        self.model = Seq2Seq()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=1e-2)
        self.criterion = nn.CrossEntropyLoss()
        self.total_steps = total_steps

    def teacher_forcing(self, step):
        return 1.0 - step / self.total_steps

    def train(self):
        for step in range(self.total_steps):
            self.model.train()
            source = torch.randint(1, VOCAB, (16, 7))
            target = source.flip(dims=(1,))
            logits = self.model(source, target, self.teacher_forcing(step))
            loss = self.criterion(logits.flatten(0, 1), target.flatten())
            self.optimizer.zero_grad()
            loss.backward()
            nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
            self.optimizer.step()
            print(f"step {step} loss {loss.item():.3f} token accuracy {self.evaluate():.2f}")

    def evaluate(self):
        self.model.eval()
        source = torch.randint(1, VOCAB, (16, 7))
        target = source.flip(dims=(1,))
        with torch.no_grad():
            return (self.model(source, target, 0.0).argmax(-1) == target).float().mean().item()


if __name__ == "__main__":
    random.seed(0)
    torch.manual_seed(0)
    trainer = Seq2SeqTrainer(total_steps=6)
    trainer.train()
