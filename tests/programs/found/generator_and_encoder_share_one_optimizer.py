# expect: leak encoder.*
import argparse

import torch
import torch.nn.functional as F
from torch import nn

parser = argparse.ArgumentParser()
parser.add_argument("--steps", type=int, default=5)
parser.add_argument("--lr", type=float, default=1e-3)
args = parser.parse_args()

torch.manual_seed(7)


def checkpoint_for(module):
    return {name: 0.2 * torch.randn_like(value) for name, value in module.state_dict().items()}


encoder = nn.Sequential(nn.Linear(24, 32), nn.GELU(), nn.Linear(32, 8))
encoder.load_state_dict(checkpoint_for(encoder))
encoder.eval()  # <- blame

generator = nn.Sequential(nn.Linear(8, 48), nn.GELU(), nn.Linear(48, 24))

optimizer = torch.optim.Adam(list(generator.parameters()) + list(encoder.parameters()), lr=args.lr)  # <- blame

for step in range(args.steps):
    images = torch.randn(16, 24)
    with torch.no_grad():
        code = encoder(images)
    reconstruction = generator(code)
    latent_loss = F.mse_loss(encoder(reconstruction), code)
    pixel_loss = F.l1_loss(reconstruction, images)
    loss = pixel_loss + 0.5 * latent_loss
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(f"step {step} pixel {pixel_loss.item():.4f} latent {latent_loss.item():.4f}")
