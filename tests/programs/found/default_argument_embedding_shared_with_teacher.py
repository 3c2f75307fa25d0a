"""Compressing a tagger: the student learns from a trained teacher of the same class."""
# options: --frozen teacher
# expect: leak teacher.embedding.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(21)
VOCAB, TAGS = 50, 6


class Tagger(nn.Module):
    def __init__(self, hidden, embedding=nn.Embedding(VOCAB, 12)):  # <- blame
        super().__init__()
        self.embedding = embedding
        self.encoder = nn.GRU(12, hidden, batch_first=True, bidirectional=True)
        self.tags = nn.Linear(2 * hidden, TAGS)

    def forward(self, tokens):
        h, _ = self.encoder(self.embedding(tokens))
        return self.tags(h)


def distillation_loss(student_logits, teacher_logits, gold, temperature=2.0, alpha=0.7):
    soft = F.kl_div(
        F.log_softmax(student_logits / temperature, -1),
        F.softmax(teacher_logits / temperature, -1),
        reduction="batchmean",
    )
    hard = F.cross_entropy(student_logits.flatten(0, 1), gold.flatten())
    return alpha * temperature**2 * soft + (1 - alpha) * hard


teacher = Tagger(hidden=24)
teacher.eval()
student = Tagger(hidden=8)
optimizer = torch.optim.Adam(student.parameters(), lr=5e-3)

for step in range(6):
    tokens = torch.randint(0, VOCAB, (8, 10))
    gold = tokens % TAGS
    with torch.no_grad():
        teacher_logits = teacher(tokens)
    loss = distillation_loss(student(tokens), teacher_logits, gold)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(step, loss.item())
