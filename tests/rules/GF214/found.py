# expect: blockage entity.weight
import torch
from torch import nn

torch.manual_seed(24)
entities, relations, width = 12, 3, 8
entity = nn.Embedding(entities, width, padding_idx=0)  # <- blame
relation = nn.Embedding(relations, width)
optimizer = torch.optim.Adam([*entity.parameters(), *relation.parameters()], lr=1e-2)
subjects = torch.arange(entities).repeat_interleave(relations)
predicates = torch.arange(relations).repeat(entities)
objects = (subjects * 5 + predicates) % entities

for epoch in range(5):
    scores = (entity(subjects) * relation(predicates)) @ entity(torch.arange(entities)).t()
    loss = nn.functional.cross_entropy(scores, objects)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(epoch, loss.item())
