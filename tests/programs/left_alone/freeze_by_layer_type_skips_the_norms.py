import torch
import torch.nn.functional as F
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class ConvNormAct(nn.Module):
    def __init__(self, c_in, c_out):
        super().__init__()
        self.conv = nn.Conv2d(c_in, c_out, 3, padding=1, bias=False)
        self.norm = nn.GroupNorm(2, c_out)

    def forward(self, x):
        return F.silu(self.norm(self.conv(x)))


class Detector(nn.Module):
    def __init__(self):
        super().__init__()
        self.backbone = nn.Sequential(ConvNormAct(3, 8), nn.MaxPool2d(2), ConvNormAct(8, 8), nn.MaxPool2d(2))
        self.box_head = nn.Conv2d(8, 4, 1)
        self.score_head = nn.Conv2d(8, 1, 1)

    def forward(self, x):
        features = self.backbone(x)
        return self.box_head(features), self.score_head(features)


def freeze_backbone(model):
    model.backbone.eval()
    for module in model.backbone.modules():
        if isinstance(module, (nn.Conv2d, nn.Linear, nn.GroupNorm)):
            for p in module.parameters():
                p.requires_grad = False


def train_one_epoch(model, loader, optimizer):
    for images, boxes, scores in loader:
        pred_boxes, pred_scores = model(images)
        loss = F.smooth_l1_loss(pred_boxes, boxes) + F.binary_cross_entropy_with_logits(pred_scores, scores)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"loss {loss.item():.4f}")


def main():
    torch.manual_seed(4)
    model = Detector()
    freeze_backbone(model)
    params = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.SGD(params, lr=0.02, momentum=0.9, weight_decay=1e-4)
    dataset = TensorDataset(torch.randn(12, 3, 16, 16), torch.randn(12, 4, 4, 4), torch.rand(12, 1, 4, 4).round())
    train_one_epoch(model, DataLoader(dataset, batch_size=3), optimizer)


if __name__ == "__main__":
    main()
