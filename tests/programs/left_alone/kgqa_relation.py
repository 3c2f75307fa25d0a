import torch
import torch.nn as nn
import torch.nn.functional as F

# Predicate representation for question answering over a knowledge graph.


class EmbedVector(nn.Module):
    def __init__(self, config):
        super().__init__()
        self.embed = nn.Embedding(config["words"], config["d_embed"])
        self.lstm = nn.LSTM(config["d_embed"], config["d_hidden"], bidirectional=True)
        width = 2 * config["d_hidden"] + config["d_embed"]
        self.attn = nn.Sequential(nn.Linear(width, config["d_hidden"]), nn.Tanh(), nn.Linear(config["d_hidden"], 1))
        self.hidden2tag = nn.Linear(width, config["label"])

    def forward(self, text):
        seq_len, batch = text.shape
        x = self.embed(text)
        outputs, _ = self.lstm(x)
        x = x.view(seq_len * batch, -1)
        outputs = outputs.view(seq_len * batch, -1)
        scores = self.attn(torch.cat((x, outputs), 1)).view(seq_len, batch)
        attn_weights = F.softmax(scores, dim=0).reshape(seq_len * batch, 1)
        attn_applied = attn_weights * outputs
        feats = torch.cat((x, attn_applied), 1).view(seq_len, batch, -1)
        return self.hidden2tag(feats.mean(0))


config = dict(words=50, d_embed=12, d_hidden=10, label=16)
torch.manual_seed(21)
model = EmbedVector(config)
predicate_vectors = F.normalize(torch.randn(8, config["label"]), dim=1)
criterion = nn.MSELoss()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, 4, gamma=0.5)

for iteration in range(6):
    model.train()
    text = torch.randint(0, config["words"], (9, 16))
    target = predicate_vectors[text[0] % 8]
    loss = criterion(model(text), target)
    optimizer.zero_grad()
    loss.backward()
    nn.utils.clip_grad_norm_(model.parameters(), 0.6)
    optimizer.step()
    scheduler.step()
    print(f"{iteration} {loss.item():.6f}")
