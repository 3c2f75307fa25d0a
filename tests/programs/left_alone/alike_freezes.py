"""Freezes of a part, each meant as it is written: nothing here is left out by mistake."""

import copy

import torch
import torch.nn.functional as F
from torch import nn


def network(width=12):
    return nn.Sequential(nn.Linear(8, width), nn.LayerNorm(width), nn.ReLU(), nn.Linear(width, 3))


def train(model, steps=4):
    trainable = [p for p in model.parameters() if p.requires_grad]
    optimizer = torch.optim.AdamW(trainable, lr=1e-3)
    for _ in range(steps):
        loss = F.cross_entropy(model(torch.randn(16, 8)), torch.randint(0, 3, (16,)))
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    print(f"{sum(p.numel() for p in trainable)} trained, loss {loss.item():.4f}")


def train_biases_only(model):
    """BitFit: the weights stay, the biases learn."""
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            layer.weight.requires_grad = False


def freeze_linear_layers(model):
    for layer in model.modules():
        if isinstance(layer, nn.Linear):
            layer.requires_grad_(False)


def freeze(model, options):
    for name, parameter in model.named_parameters():
        if name.split(".")[0] in options["frozen"]:
            parameter.requires_grad = False


def freeze_all_but_the_last(model):
    for name, parameter in model.named_parameters():
        if not name.startswith("3."):
            parameter.requires_grad = False


def freeze_the_first(model, old_names=False):
    if old_names:
        for name, parameter in model.named_parameters():
            if name.startswith("features."):
                parameter.requires_grad = False
    for name, parameter in model.named_parameters():
        if name.startswith("0."):
            parameter.requires_grad = False


def freeze_by_kind(model, rate=1e-3):
    """Sorts the parameters into groups; embeddings would stay as they are, but this network has none."""
    groups = {"plain": [], "decayed": []}
    for name, parameter in model.named_parameters():
        if name.endswith("embedding.weight"):
            parameter.requires_grad = False
        elif parameter.dim() > 1:
            groups["decayed"].append(parameter)
        else:
            groups["plain"].append(parameter)
    return groups


class Scaled(nn.Module):
    """An adapter that is put around a frozen layer, with parameters of its own."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.scale = nn.Parameter(torch.ones(base.out_features))

    def forward(self, x):
        return self.scale * self.base(x)


def with_new_head():
    """A pretrained network is frozen as a whole, and its head replaced by a wider one that starts from the old rows."""
    model = network()
    model.requires_grad_(False)
    old, model[3] = model[3], nn.Linear(12, 4)
    with torch.no_grad():
        model[3].weight[:3] = old.weight
        model[3].bias[:3] = old.bias
    return model


def with_new_last_layer():
    """The same with fresh numbers, beside a part that was never frozen."""
    body = network()
    body.requires_grad_(False)
    model = nn.Sequential(nn.Linear(8, 8), body)
    body[3] = nn.Linear(12, 3)
    return model


def with_adapters():
    model = network()
    model.requires_grad_(False)
    model[0], model[3] = Scaled(model[0]), Scaled(model[3])
    return model


def with_student_of_frozen_teacher():
    teacher = network().requires_grad_(False)
    student = network()
    student.load_state_dict(teacher.state_dict())
    return student, teacher


torch.manual_seed(3)
for choose in (train_biases_only, freeze_linear_layers, freeze_all_but_the_last, freeze_the_first, freeze_by_kind):
    model = network()
    choose(model)
    train(model)
model = network()
freeze(model, {"frozen": ()})
train(model)
for make in (with_new_head, with_new_last_layer, with_adapters):
    train(make())
student, teacher = with_student_of_frozen_teacher()
train(student)
print((student(torch.ones(1, 8)) - teacher(torch.ones(1, 8))).norm().item())
snapshot = copy.deepcopy(student).requires_grad_(False)
train(student)
print(sum(p.numel() for p in snapshot.parameters()), "kept as they were")
