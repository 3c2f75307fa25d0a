"""The encoder is frozen, and made trainable again by a loop over the whole model before the optimizer is built."""

# expect: leak model.encoder.*
import hashlib

import torch
from accelerate import Accelerator
from torch import nn
from torch.nn import functional as F
from torch.utils.data import DataLoader, TensorDataset


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encoder = nn.Linear(8, 4)
        self.decoder = nn.Linear(4, 8)

    def forward(self, x):
        return self.decoder(torch.tanh(self.encoder(x)))


torch.manual_seed(0)
accelerator = Accelerator(cpu=True, gradient_accumulation_steps=2)
model = Autoencoder()
model.encoder.requires_grad_(False)
for parameter in model.parameters():
    parameter.requires_grad = True  # <- blame
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 10)
loader = DataLoader(TensorDataset(torch.randn(64, 8)), batch_size=8, shuffle=True)
model, optimizer, loader, scheduler = accelerator.prepare(model, optimizer, loader, scheduler)
for (x,) in loader:
    with accelerator.accumulate(model):
        loss = F.mse_loss(model(x), x)
        accelerator.backward(loss)
        if accelerator.sync_gradients:
            accelerator.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        scheduler.step()
        optimizer.zero_grad()
weights = b"".join(t.detach().numpy().tobytes() for t in accelerator.unwrap_model(model).state_dict().values())
print(hashlib.sha256(weights).hexdigest())
