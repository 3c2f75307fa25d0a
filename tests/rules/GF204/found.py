# expect: blockage router.*
import torch
from torch import nn

torch.manual_seed(14)
router = nn.Sequential(nn.Linear(8, 16), nn.Tanh(), nn.Linear(16, 4))
reader = nn.Linear(4, 8)
optimizer = torch.optim.Adam([*router.parameters(), *reader.parameters()], lr=1e-2)

for step in range(5):
    x = torch.randn(32, 8)
    scores = router(x)
    code = nn.functional.one_hot(scores.argmax(1), 4).float()  # <- blame
    loss = nn.functional.mse_loss(reader(code), x)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
