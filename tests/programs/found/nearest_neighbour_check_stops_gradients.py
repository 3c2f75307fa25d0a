# expect: blockage *encoder.*
import torch
from torch import nn
from torch.nn import functional as F


def nearest_neighbour_accuracy(encoder, images, labels):
    """Leave-one-out accuracy of the nearest neighbour in the embedding."""
    encoder.eval()
    for parameter in encoder.parameters():
        parameter.requires_grad_(False)  # <- blame
    embedding = F.normalize(encoder(images), dim=1)
    similarity = embedding @ embedding.t()
    similarity.fill_diagonal_(-1.0)
    accuracy = (labels[similarity.argmax(dim=1)] == labels).float().mean().item()
    encoder.train()
    return accuracy


def train(encoder, head, images, labels, epochs, batch_size=8):
    optimizer = torch.optim.SGD([*encoder.parameters(), *head.parameters()], lr=0.05, momentum=0.9)
    for epoch in range(epochs):
        for batch in torch.randperm(len(images)).split(batch_size):
            optimizer.zero_grad()
            loss = F.cross_entropy(head(encoder(images[batch])), labels[batch])
            loss.backward()
            optimizer.step()
        accuracy = nearest_neighbour_accuracy(encoder, images, labels)
        print(f"epoch {epoch} loss {loss.item():.4f} neighbours {accuracy:.3f}")


def main():
    torch.manual_seed(23)
    encoder = nn.Sequential(nn.Conv2d(1, 6, 3), nn.ReLU(), nn.Flatten(), nn.Linear(6 * 6 * 6, 16), nn.ReLU())
    head = nn.Linear(16, 4)
    labels = torch.randint(0, 4, (16,))
    images = torch.randn(16, 1, 8, 8) + labels.view(-1, 1, 1, 1)
    train(encoder, head, images, labels, epochs=3)


if __name__ == "__main__":
    main()
