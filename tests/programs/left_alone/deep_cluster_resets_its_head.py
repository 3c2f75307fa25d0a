"""DeepCluster: k-means labels without gradient; the classifier is thrown away and drawn anew at every epoch."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(8)
K = 5
backbone = nn.Sequential(nn.Linear(8, 24), nn.ReLU(), nn.Linear(24, 12), nn.ReLU())
head = nn.Linear(12, K)
data = torch.randn(64, 8) + 2 * torch.eye(8)[torch.randint(0, K, (64,))]


@torch.no_grad()
def kmeans_labels(features, rounds=5):
    centroids = features[torch.randperm(len(features))[:K]].clone()
    for _ in range(rounds):
        label = torch.cdist(features, centroids).argmin(1)
        for k in range(K):
            if (label == k).any():
                centroids[k] = features[label == k].mean(0)
    return label


optimizer = torch.optim.SGD(backbone.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-5)
for epoch in range(3):
    backbone.eval()
    label = kmeans_labels(backbone(data))
    backbone.train()
    head.weight.data.normal_(0, 0.01)
    head.bias.data.zero_()
    head_optimizer = torch.optim.SGD(head.parameters(), lr=0.05, weight_decay=1e-5)
    total = 0.0
    for pick in torch.randperm(64).split(32):
        loss = F.cross_entropy(head(backbone(data[pick])), label[pick])
        optimizer.zero_grad()
        head_optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        head_optimizer.step()
        total += loss.item()
    print(epoch, total / 2)
