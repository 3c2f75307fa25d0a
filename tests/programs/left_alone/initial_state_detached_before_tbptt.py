import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(89)
CHUNK = 5


class CaptionRNN(nn.Module):
    def __init__(self, d_img=7, d=16, vocab=12):
        super().__init__()
        self.init_net = nn.Sequential(nn.Linear(d_img, d), nn.Tanh())
        self.emb = nn.Embedding(vocab, d)
        self.rnn = nn.RNN(d, d, batch_first=True)
        self.out = nn.Linear(d, vocab)

    def start(self, img):
        return self.init_net(img).unsqueeze(0)

    def forward(self, ids, h):
        o, h = self.rnn(self.emb(ids), h)
        return self.out(o), h


model = CaptionRNN()
optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
for it in range(4):
    img = torch.randn(8, 7)
    ids = (img[:, :5].argmax(1, keepdim=True) + torch.arange(11)) % 12
    h = model.start(img)
    for start in range(0, 10, CHUNK):
        logits, h = model(ids[:, start:start + CHUNK], h)
        loss = F.cross_entropy(logits.flatten(0, 1), ids[:, start + 1:start + CHUNK + 1].flatten())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        h = h.detach()
    print(it, loss.item())
