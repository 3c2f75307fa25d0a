# expect: blockage *network.*
import torch
from torch import nn


class Callback:
    def on_batch_start(self, loop): ...

    def on_backward_end(self, loop): ...

    def on_batch_end(self, loop): ...


class GradientReset(Callback):
    def on_backward_end(self, loop):
        loop.optimizer.zero_grad()  # <- blame


class LossLog(Callback):
    def on_batch_end(self, loop):
        print(f"step {loop.step_number} loss {loop.loss.item():.4f}")


class Loop:
    def __init__(self, network, optimizer, criterion, callbacks):
        self.network = network
        self.optimizer = optimizer
        self.criterion = criterion
        self.callbacks = callbacks
        self.step_number = 0
        self.loss = None

    def notify(self, event):
        for callback in self.callbacks:
            getattr(callback, event)(self)

    def fit(self, batches):
        for inputs, targets in batches:
            self.notify("on_batch_start")
            self.loss = self.criterion(self.network(inputs), targets)
            self.loss.backward()
            self.notify("on_backward_end")
            self.optimizer.step()
            self.notify("on_batch_end")
            self.step_number += 1


def main():
    torch.manual_seed(79)
    network = nn.Sequential(nn.Linear(6, 18), nn.Hardtanh(), nn.Linear(18, 6))
    optimizer = torch.optim.Adam(network.parameters(), lr=2e-3)
    loop = Loop(network, optimizer, nn.L1Loss(), [GradientReset(), LossLog()])
    inputs = [torch.randn(10, 6) for _ in range(5)]
    loop.fit([(x, x.flip(1)) for x in inputs])


if __name__ == "__main__":
    main()
