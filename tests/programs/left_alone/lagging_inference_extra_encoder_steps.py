"""Against posterior collapse: the encoder gets several steps of its own before each joint step with the decoder."""
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(22)
INPUT, LATENT = 12, 3

encoder = nn.Sequential(nn.Linear(INPUT, 24), nn.ReLU(), nn.Linear(24, 2 * LATENT))
decoder = nn.Sequential(nn.Linear(LATENT, 24), nn.ReLU(), nn.Linear(24, INPUT))
enc_opt = torch.optim.SGD(encoder.parameters(), lr=0.05)
dec_opt = torch.optim.SGD(decoder.parameters(), lr=0.05)


def negative_elbo(x):
    mean, log_var = encoder(x).chunk(2, 1)
    z = mean + torch.randn_like(mean) * (0.5 * log_var).exp()
    kl = 0.5 * (mean**2 + log_var.exp() - 1 - log_var).sum(1)
    return (F.binary_cross_entropy_with_logits(decoder(z), x, reduction="none").sum(1) + kl).mean()


def batch():
    code = torch.randn(32, 1)
    return (code * torch.linspace(-2, 2, INPUT) + 0.3 * torch.randn(32, INPUT) > 0).float()


for step in range(4):
    decoder.requires_grad_(False)
    for _ in range(3):
        loss = negative_elbo(batch())
        enc_opt.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(encoder.parameters(), 5.0)
        enc_opt.step()
    decoder.requires_grad_(True)

    loss = negative_elbo(batch())
    enc_opt.zero_grad()
    dec_opt.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_([*encoder.parameters(), *decoder.parameters()], 5.0)
    enc_opt.step()
    dec_opt.step()
    print(step, loss.item())
