import torch
from torch import nn
from torch.utils.data import DataLoader, Dataset


class PairDataset(Dataset):
    def __init__(self, length=40, identities=5):
        self.centres = torch.randn(identities, 1, 12, 12)
        self.length = length

    def __len__(self):
        return self.length

    def __getitem__(self, index):
        first = index % len(self.centres)
        same = index % 2 == 0
        second = first if same else (first + 1) % len(self.centres)
        images = [self.centres[i] + 0.2 * torch.randn(1, 12, 12) for i in (first, second)]
        return images[0], images[1], torch.tensor(float(same))


class SiameseNetwork(nn.Module):
    def __init__(self, embedding=16):
        super().__init__()
        self.cnn = nn.Sequential(nn.Conv2d(1, 8, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(8, 16, 3), nn.ReLU())
        self.fc = nn.Sequential(nn.Flatten(), nn.Linear(16 * 9, 32), nn.ReLU(), nn.Linear(32, embedding))

    def embed(self, image):
        return nn.functional.normalize(self.fc(self.cnn(image)), dim=1)

    def forward(self, first, second):
        return self.embed(first), self.embed(second)


def contrastive_loss(first, second, same, margin=1.0):
    distance = nn.functional.pairwise_distance(first, second)
    return (same * distance.pow(2) + (1 - same) * (margin - distance).clamp(min=0).pow(2)).mean()


def train(network, loader, epochs):
    optimizer = torch.optim.Adam(network.parameters(), lr=5e-4)
    for epoch in range(epochs):
        network.train()
        for first, second, same in loader:
            optimizer.zero_grad()
            loss = contrastive_loss(*network(first, second), same)
            loss.backward()
            optimizer.step()
        print(f"epoch {epoch}: loss {loss.item():.4f}")


def gallery_search(network, gallery, probe):
    network.eval()
    with torch.no_grad():
        return torch.cdist(network.embed(probe), network.embed(gallery)).argmin(dim=1)


if __name__ == "__main__":
    torch.manual_seed(0)
    pairs = PairDataset()
    network = SiameseNetwork()
    train(network, DataLoader(pairs, batch_size=10, shuffle=True), epochs=2)
    print(gallery_search(network, pairs.centres, pairs.centres + 0.1).tolist())
