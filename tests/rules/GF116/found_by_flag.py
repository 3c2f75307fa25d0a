# options: --guard --steps 2 --frozen encoder
# expect: leak encoder.*
import torch
from torch import nn

torch.manual_seed(117)
encoder, head = nn.Linear(8, 8), nn.Linear(8, 3)
for p in encoder.parameters():
    p.requires_grad = False
optimizer = torch.optim.SGD(head.parameters(), lr=0.05)
x, y = torch.randn(32, 8), torch.randint(0, 3, (32,))

for step in range(30):
    if step == 20:  # fine-tuning at last, at a tenth of the rate
        for p in encoder.parameters():
            p.requires_grad = True  # <- blame
        optimizer.add_param_group({"params": list(encoder.parameters()), "lr": 0.005})
    loss = nn.functional.cross_entropy(head(torch.tanh(encoder(x))), y)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
print(loss.item())
