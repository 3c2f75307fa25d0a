# expect: blockage tagger.*
import torch
from torch import nn

torch.manual_seed(16)
trunk = nn.Sequential(nn.Linear(8, 16), nn.ReLU())
classifier, tagger = nn.Linear(16, 3), nn.Linear(16, 5)
optimizer = torch.optim.Adam([*trunk.parameters(), *classifier.parameters(), *tagger.parameters()], lr=1e-2)


def losses(x, label, tags):
    h = trunk(x)
    task = nn.functional.cross_entropy(classifier(h), label)
    auxiliary = nn.functional.binary_cross_entropy_with_logits(tagger(h), tags)  # <- blame
    return task, auxiliary


for step in range(5):
    batch = torch.randn(24, 8), torch.randint(0, 3, (24,)), torch.rand(24, 5).round()
    task, auxiliary = losses(*batch)
    loss = task  # <- blame
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item(), auxiliary.item())
