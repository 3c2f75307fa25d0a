# expect: blockage *model.projector.*
import torch
from torch import nn
from torch.nn import functional as F


class SemiSupervisedNet(nn.Module):
    def __init__(self, inputs=16, classes=3):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(inputs, 32), nn.ReLU())
        self.classifier = nn.Linear(32, classes)
        self.projector = nn.Sequential(nn.Linear(32, 16), nn.ReLU(), nn.Linear(16, 8))


class SemiSupervisedTrainer:
    def __init__(self, config):
        self.config = config
        self.model = SemiSupervisedNet()
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=config["lr"])

    def consistency(self, x):
        views = [self.model.projector(self.model.encoder(x + 0.1 * torch.randn_like(x))) for _ in range(2)]
        return 1 - F.cosine_similarity(*views).mean()

    def compute_loss(self, labelled, labels, unlabelled):
        logits = self.model.classifier(self.model.encoder(labelled))
        supervised = F.cross_entropy(logits, labels)
        consistency = self.consistency(unlabelled)  # <- blame
        parts = {"supervised": supervised.item(), "consistency": consistency.item()}
        return supervised, parts  # <- blame

    def fit(self):
        for step in range(self.config["steps"]):
            labels = torch.randint(0, 3, (8,))
            loss, parts = self.compute_loss(torch.randn(8, 16) + labels[:, None], labels, torch.randn(24, 16))
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            print(step, parts)


if __name__ == "__main__":
    torch.manual_seed(0)
    SemiSupervisedTrainer({"lr": 1e-3, "steps": 5, "consistency_weight": 0.5}).fit()
