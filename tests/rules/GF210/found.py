# expect: blockage router.*
import torch
from torch import nn

torch.manual_seed(20)
router = nn.Linear(8, 4)
experts = nn.Linear(8, 4 * 8)
optimizer = torch.optim.Adam([*router.parameters(), *experts.parameters()], lr=1e-2)


def balance(probabilities):
    share = probabilities.detach().mean(0)  # <- blame
    return (share * share).sum() * 4


for step in range(5):
    x = torch.randn(32, 8)
    probabilities = router(x).softmax(1)
    mixed = (experts(x).view(32, 4, 8) * probabilities[:, :, None]).sum(1)
    loss = nn.functional.mse_loss(mixed, x) + 0.1 * balance(probabilities)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
