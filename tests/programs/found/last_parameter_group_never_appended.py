# expect: blockage *model.transitions
# expect: blockage *model.emissions.*
"""Entity tagging with a linear-chain layer; the groups get rates of their own."""

import torch
from torch import nn


class ChainTagger(nn.Module):
    def __init__(self, vocabulary, width, tags):
        super().__init__()
        self.embedding = nn.Embedding(vocabulary, width)
        self.context = nn.Conv1d(width, width, 3, padding=1)
        self.emissions = nn.Linear(width, tags)
        self.transitions = nn.Parameter(torch.zeros(tags, tags))

    def scores(self, tokens):
        features = torch.tanh(self.context(self.embedding(tokens).transpose(1, 2)))
        return self.emissions(features.transpose(1, 2))

    def loss(self, tokens, tags):
        scores = self.scores(tokens)
        path = scores.gather(2, tags.unsqueeze(2)).squeeze(2).sum(dim=1)
        path = path + self.transitions[tags[:, :-1], tags[:, 1:]].sum(dim=1)
        forward = scores[:, 0]
        for position in range(1, tokens.shape[1]):
            forward = torch.logsumexp(forward.unsqueeze(2) + self.transitions, dim=1) + scores[:, position]
        return (torch.logsumexp(forward, dim=1) - path).mean()


def optimizer_groups(model, lr):
    groups = []
    params = {"lr": lr, "weight_decay": 1e-2, "params": []}
    for name, parameter in model.named_parameters():
        if name.startswith(("embedding", "context")):
            params["params"].append(parameter)
    groups.append(params)

    params = {"lr": 10 * lr, "weight_decay": 0.0, "params": []}  # <- blame 1 2
    for name, parameter in model.named_parameters():
        if name.startswith("emissions") or name == "transitions":
            params["params"].append(parameter)  # <- blame 1 2
    return groups  # <- blame 1 2


def train(model, batches, lr):
    optimizer = torch.optim.AdamW(optimizer_groups(model, lr))  # <- blame 1 2
    for step, (tokens, tags) in enumerate(batches):
        optimizer.zero_grad()
        loss = model.loss(tokens, tags)
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")


def main():
    torch.manual_seed(139)
    batches = [(torch.randint(0, 30, (5, 8)), torch.randint(0, 4, (5, 8))) for _ in range(5)]
    train(ChainTagger(30, 14, 4), batches, lr=1e-3)


if __name__ == "__main__":
    main()
