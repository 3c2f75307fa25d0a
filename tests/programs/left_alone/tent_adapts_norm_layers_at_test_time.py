"""TENT: at test time only scale and shift of the normalisation layers learn, by the entropy of the predictions."""
import torch
import torch.nn as nn

torch.manual_seed(11)


def source_model():
    return nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(),
        nn.Conv2d(8, 12, 3, stride=2, padding=1), nn.BatchNorm2d(12), nn.ReLU(),
        nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(12, 4),
    )


def configure(model):
    model.train()
    model.requires_grad_(False)
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            m.requires_grad_(True)
            m.track_running_stats = False
            m.running_mean = None
            m.running_var = None
    return model


def collect(model):
    params = []
    for m in model.modules():
        if isinstance(m, nn.BatchNorm2d):
            params += [m.weight, m.bias]
    return params


def entropy(logits):
    return -(logits.softmax(1) * logits.log_softmax(1)).sum(1)


model = configure(source_model())
optimizer = torch.optim.SGD(collect(model), lr=0.05, momentum=0.9)


@torch.enable_grad()
def forward_and_adapt(x):
    outputs = model(x)
    loss = entropy(outputs).mean(0)
    loss.backward()
    optimizer.step()
    optimizer.zero_grad()
    return outputs


with torch.no_grad():
    for batch in range(5):
        shifted = 1.5 * torch.rand(16, 1, 8, 8) + 0.3
        outputs = forward_and_adapt(shifted)
        print(batch, entropy(outputs).mean().item())
