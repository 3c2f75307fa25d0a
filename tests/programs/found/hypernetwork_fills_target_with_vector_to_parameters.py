"""A hypernetwork generates the weights of a small implicit network from a latent code per shape."""
# expect: blockage hyper*
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.func import functional_call
from torch.nn.utils import parameters_to_vector, vector_to_parameters

torch.manual_seed(42)
SHAPES, CODE = 3, 8

target = nn.Sequential(nn.Linear(2, 12), nn.Tanh(), nn.Linear(12, 1))
size = parameters_to_vector(target.parameters()).numel()
hyper = nn.Sequential(nn.Linear(CODE, 32), nn.ReLU(), nn.Linear(32, size))
hyper_codes = nn.Embedding(SHAPES, CODE)
optimizer = torch.optim.Adam([*hyper.parameters(), *hyper_codes.parameters()], lr=1e-3)


def occupancy(points, radius):
    return (points.norm(dim=1, keepdim=True) < radius).float()


for step in range(5):
    loss = 0.0
    for shape in range(SHAPES):
        vector = 0.3 * hyper(hyper_codes(torch.tensor(shape)))
        vector_to_parameters(vector, target.parameters())  # <- blame
        points = torch.rand(64, 2) * 2 - 1
        prediction = target(points)
        loss = loss + F.binary_cross_entropy_with_logits(prediction, occupancy(points, 0.3 + 0.25 * shape))
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item() / SHAPES)
