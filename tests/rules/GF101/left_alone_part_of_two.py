# options: --frozen teacher
import torch
from torch import nn


class Tagger(nn.Module):
    def __init__(self, size, embedding=None):
        super().__init__()
        self.embedding = embedding or nn.Embedding(30, 8)
        self.rest = nn.Sequential(nn.Linear(8, size), nn.ReLU(), nn.Linear(size, 4))

    def forward(self, tokens):
        return self.rest(self.embedding(tokens).mean(1))


torch.manual_seed(34)
teacher = Tagger(32)
student = Tagger(8)
optimizer = torch.optim.Adam(student.parameters(), lr=1e-2)

for step in range(5):
    tokens = torch.randint(0, 30, (16, 6))
    with torch.no_grad():
        wanted = teacher(tokens).softmax(1)
    loss = nn.functional.cross_entropy(student(tokens), wanted)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
