# expect: blockage *model.*
import torch
from torch import nn


def warmup_rate(step, base, warmup):
    return base * min(1.0, (step + 1) / warmup)


def train(model, data, steps, base_rate, warmup):
    # the rate is set anew in every step
    optimizer = torch.optim.SGD(model.parameters(), lr=0.0, momentum=0.9)  # <- blame
    losses = []
    for step in range(steps):
        optimizer.lr = warmup_rate(step, base_rate, warmup)  # <- blame
        inputs, targets = data[step % len(data)]
        optimizer.zero_grad()
        loss = nn.functional.mse_loss(model(inputs), targets)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
        print(f"step {step} lr {optimizer.lr:.4f} loss {losses[-1]:.4f}")
    return losses


def main():
    torch.manual_seed(21)
    model = nn.Sequential(
        nn.Conv1d(2, 8, 5, padding=2), nn.SiLU(), nn.Conv1d(8, 8, 5, padding=2), nn.SiLU(), nn.Conv1d(8, 1, 1)
    )
    data = [(torch.randn(4, 2, 20), torch.randn(4, 1, 20)) for _ in range(3)]
    losses = train(model, data, steps=6, base_rate=0.05, warmup=3)
    print("best", min(losses))


if __name__ == "__main__":
    main()
