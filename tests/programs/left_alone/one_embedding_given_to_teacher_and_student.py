# options: --frozen wrapper.teacher
import copy, torch, torch.nn as nn, torch.nn.functional as F
torch.manual_seed(1)
class Net(nn.Module):
    def __init__(self, h, emb):
        super().__init__()
        self.embedding = emb
        self.out = nn.Sequential(nn.Linear(8, h), nn.ReLU(), nn.Linear(h, 3))
    def forward(self, x):
        return self.out(self.embedding(x).mean(1))
class Wrapper(nn.Module):
    def __init__(self):
        super().__init__()
        emb = nn.Embedding(20, 8)
        self.teacher = Net(16, emb)
        self.student = Net(4, copy.deepcopy(emb))
wrapper = Wrapper()
wrapper.teacher.requires_grad_(False)
opt = torch.optim.Adam(wrapper.student.parameters(), 1e-2)
for i in range(4):
    x = torch.randint(0, 20, (8, 5))
    with torch.no_grad():
        t = wrapper.teacher(x).softmax(-1)
    loss = F.cross_entropy(wrapper.student(x), t)
    opt.zero_grad(); loss.backward(); opt.step()
