# options: --frozen teacher
import copy, torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(1)
class Net(nn.Module):
    def __init__(self, h, embedding=None):
        super().__init__()
        self.embedding = embedding or nn.Embedding(20, 8)
        self.out = nn.Sequential(nn.Linear(8, h), nn.ReLU(), nn.Linear(h, 3))
    def forward(self, x):
        return self.out(self.embedding(x).mean(1))
teacher = Net(16).requires_grad_(False)
student = Net(4, copy.deepcopy(teacher.embedding).requires_grad_(True))
opt = torch.optim.Adam(student.parameters(), 1e-2)
for i in range(4):
    x = torch.randint(0, 20, (8, 5))
    with torch.no_grad():
        t = teacher(x).softmax(-1)
    loss = F.cross_entropy(student(x), t)
    opt.zero_grad(); loss.backward(); opt.step()
