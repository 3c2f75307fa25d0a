# expect: blockage *model.*
import io

import torch
from torch import nn
from torch.nn import functional as F


def build_model():
    return nn.Sequential(nn.Linear(7, 20), nn.ReLU(), nn.Linear(20, 3))


def pretraining_checkpoint(total=3):
    """Stand in for the last file of the pretraining, whose rate fell to zero in a straight line."""
    pretrained = build_model()
    adam = torch.optim.Adam(pretrained.parameters(), lr=1e-3)
    decay = torch.optim.lr_scheduler.LinearLR(adam, start_factor=1.0, end_factor=0.0, total_iters=total)
    for _ in range(total):
        F.cross_entropy(pretrained(torch.randn(8, 7)), torch.randint(0, 3, (8,))).backward()
        adam.step()
        adam.zero_grad()
        decay.step()
    file = io.BytesIO()
    torch.save({"model": pretrained.state_dict(), "optimizer": adam.state_dict()}, file)
    file.seek(0)
    return file


def fine_tune(file, batches, lr):
    checkpoint = torch.load(file)
    model = build_model()
    model.load_state_dict(checkpoint["model"])
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    optimizer.load_state_dict(checkpoint["optimizer"])  # <- blame
    for step, (inputs, labels) in enumerate(batches):
        loss = F.cross_entropy(model(inputs), labels)
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step} loss {loss.item():.4f}")


if __name__ == "__main__":
    torch.manual_seed(127)
    file = pretraining_checkpoint()
    fine_tune(file, [(torch.randn(10, 7), torch.randint(0, 3, (10,))) for _ in range(5)], lr=5e-4)
