import torch
from torch import nn


def pairwise_distances(embeddings):
    differences = embeddings.unsqueeze(0) - embeddings.unsqueeze(1)
    return differences.pow(2).sum(dim=-1).clamp_min(1e-8).sqrt()


def batch_hard_triplet_loss(embeddings, labels, margin=1.0):
    distances = pairwise_distances(embeddings)
    same = labels.unsqueeze(0) == labels.unsqueeze(1)
    hardest_positive = (distances * same).max(dim=1).values
    hardest_negative = (distances + 1e3 * same).min(dim=1).values
    return torch.relu(hardest_positive - hardest_negative + margin).mean()


def train(embedder, people, steps, lr):
    optimizer = torch.optim.Adam(embedder.parameters(), lr=lr)
    for step in range(steps):
        labels = torch.arange(4).repeat_interleave(3)
        images = people[labels] + 0.3 * torch.randn(len(labels), people.shape[1])
        loss = batch_hard_triplet_loss(embedder(images), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")


def main():
    torch.manual_seed(113)
    embedder = nn.Sequential(nn.Linear(12, 24), nn.ELU(), nn.Linear(24, 8, bias=False))
    train(embedder, people=torch.randn(4, 12), steps=5, lr=1e-3)


if __name__ == "__main__":
    main()
