from dataclasses import dataclass

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, TensorDataset


@dataclass
class TrainingArguments:
    learning_rate: float = 2e-3
    per_device_batch_size: int = 16
    gradient_accumulation_steps: int = 8
    num_train_epochs: int = 3
    max_grad_norm: float = 1.0


class SentencePairClassifier(nn.Module):
    def __init__(self, vocab=60, dim=16, labels=2):
        super().__init__()
        self.embeddings = nn.EmbeddingBag(vocab, dim)
        self.pooler = nn.Linear(dim, dim)
        self.classifier = nn.Linear(dim, labels)

    def forward(self, input_ids, labels):
        hidden = torch.tanh(self.pooler(self.embeddings(input_ids)))
        logits = self.classifier(hidden)
        return F.cross_entropy(logits, labels), logits


def load_examples(n=64):
    input_ids = torch.randint(0, 60, (n, 10))
    labels = (input_ids.sum(1) > 295).long()
    return TensorDataset(input_ids, labels)


def train(args, dataset, model):
    loader = DataLoader(dataset, batch_size=args.per_device_batch_size, shuffle=False)
    optimizer = torch.optim.AdamW(model.parameters(), lr=args.learning_rate)
    global_step, running = 0, 0.0
    for epoch in range(args.num_train_epochs):
        model.zero_grad()
        for step, (input_ids, labels) in enumerate(loader):
            loss, _ = model(input_ids, labels)
            loss = loss / args.gradient_accumulation_steps
            loss.backward()
            running += loss.item()
            if (step + 1) % args.gradient_accumulation_steps == 0 or step + 1 == len(loader):
                nn.utils.clip_grad_norm_(model.parameters(), args.max_grad_norm)
                optimizer.step()
                optimizer.zero_grad()
                global_step += 1
        print(f"epoch {epoch} running loss {running:.4f}")
    return global_step


torch.manual_seed(11)
model = SentencePairClassifier()
print("steps", train(TrainingArguments(), load_examples(), model))
