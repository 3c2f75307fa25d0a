"""Sinusoid regression with MAML: the outer loss is differentiated through the inner updates."""

import argparse
import math

import torch
from torch import nn
from torch.func import functional_call


def sample_task(shots):
    amplitude = torch.empty(1).uniform_(0.1, 5.0)
    phase = torch.empty(1).uniform_(0.0, math.pi)
    inputs = torch.empty(2 * shots, 1).uniform_(-5.0, 5.0)
    targets = amplitude * torch.sin(inputs - phase)
    return (inputs[:shots], targets[:shots]), (inputs[shots:], targets[shots:])


def adapt(model, weights, support, inner_lr, inner_steps):
    inputs, targets = support
    for _ in range(inner_steps):
        loss = nn.functional.mse_loss(functional_call(model, weights, (inputs,)), targets)
        gradients = torch.autograd.grad(loss, list(weights.values()), create_graph=True)
        weights = {
            name: weight - inner_lr * gradient
            for (name, weight), gradient in zip(weights.items(), gradients, strict=True)
        }
    return weights


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--meta-steps", type=int, default=5)
    parser.add_argument("--tasks", type=int, default=4)
    parser.add_argument("--shots", type=int, default=10)
    parser.add_argument("--inner-lr", type=float, default=0.01)
    parser.add_argument("--inner-steps", type=int, default=2)
    args = parser.parse_args()

    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(1, 40), nn.ReLU(), nn.Linear(40, 40), nn.ReLU(), nn.Linear(40, 1))
    meta_optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)

    for step in range(args.meta_steps):
        meta_optimizer.zero_grad()
        meta_loss = 0.0
        for _ in range(args.tasks):
            support, (query_inputs, query_targets) = sample_task(args.shots)
            adapted = adapt(model, dict(model.named_parameters()), support, args.inner_lr, args.inner_steps)
            predictions = functional_call(model, adapted, (query_inputs,))
            meta_loss = meta_loss + nn.functional.mse_loss(predictions, query_targets)
        meta_loss = meta_loss / args.tasks
        meta_loss.backward()
        meta_optimizer.step()
        print(f"meta step {step}: loss {meta_loss.item():.4f}")


if __name__ == "__main__":
    main()
