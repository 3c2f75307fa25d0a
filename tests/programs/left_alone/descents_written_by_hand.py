"""Gradient descent without an optimizer, in the ways that work."""

import io
import pickle

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(11)
x = torch.randn(32, 5)
y = x[:, :3].argmax(1)


def network():
    return nn.Sequential(nn.Linear(5, 12), nn.Tanh(), nn.Linear(12, 3))


def gradients_of(net):
    net.zero_grad()
    loss = F.cross_entropy(net(x), y)
    loss.backward()
    return loss.item()


by_data, by_load, by_vector, by_file, by_numpy, by_swap = (network() for _ in range(6))
for step in range(4):
    losses = [gradients_of(net) for net in (by_data, by_load, by_vector, by_file, by_numpy, by_swap)]
    for p in by_data.parameters():
        p.data = p.data - 0.3 * p.grad.data
    by_load.load_state_dict({name: p - 0.3 * p.grad for name, p in by_load.named_parameters()})
    with torch.no_grad():
        new = torch.cat([(p - 0.3 * p.grad).flatten() for p in by_vector.parameters()])
    nn.utils.vector_to_parameters(new, by_vector.parameters())
    file = io.BytesIO()
    torch.save({name: (p - 0.3 * p.grad).detach() for name, p in by_file.named_parameters()}, file)
    file.seek(0)
    by_file.load_state_dict(torch.load(file))
    for p in by_numpy.parameters():
        p.detach().numpy()[...] -= 0.3 * p.grad.numpy()
    for layer in (by_swap[0], by_swap[2]):
        layer.weight = nn.Parameter(layer.weight.detach() - 0.3 * layer.weight.grad)
        layer.bias = nn.Parameter(layer.bias.detach() - 0.3 * layer.bias.grad)
    print(step, losses)

worker = network()
for step in range(3):
    gradients_of(worker)
    sent = pickle.dumps([(p - 0.3 * p.grad).detach() for p in worker.parameters()])
    for p, value in zip(worker.parameters(), pickle.loads(sent)):
        p.data.copy_(value)
    print(step, len(sent))
