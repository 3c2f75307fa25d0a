# expect: blockage *model.stem.*
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class BinarizeActivation(torch.autograd.Function):
    @staticmethod
    def forward(ctx, activation):
        ctx.save_for_backward(activation)
        return torch.where(activation >= 0, 1.0, -1.0)

    @staticmethod
    def backward(ctx, grad_output):
        (activation,) = ctx.saved_tensors
        return torch.zeros_like(activation)  # <- blame


class BinaryNet(nn.Module):
    def __init__(self, classes=4):
        super().__init__()
        self.stem = nn.Sequential(nn.Conv2d(1, 8, 3, padding=1), nn.MaxPool2d(2))
        self.head = nn.Sequential(nn.Flatten(), nn.Linear(8 * 16, classes))

    def forward(self, image):
        return self.head(BinarizeActivation.apply(self.stem(image)))


class Runner:
    def __init__(self, model, lr):
        self.model = model
        self.optimizer = torch.optim.Adam(self.model.parameters(), lr=lr)
        self.history = []

    def run_epoch(self, loader):
        for images, labels in loader:
            loss = nn.functional.cross_entropy(self.model(images), labels)
            self.optimizer.zero_grad()
            loss.backward()
            self.optimizer.step()
            self.history.append(loss.item())


torch.manual_seed(0)
runner = Runner(BinaryNet(), lr=1e-3)
loader = DataLoader(TensorDataset(torch.randn(32, 1, 8, 8), torch.randint(0, 4, (32,))), batch_size=8)
runner.run_epoch(loader)
print(runner.history)
