# expect: leak embedding.weight
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(22)

PRETRAINED_WORDS, NEW_WORDS, WIDTH = 40, 4, 12
pretrained_vectors = torch.randn(PRETRAINED_WORDS, WIDTH)

embedding = nn.Embedding(PRETRAINED_WORDS + NEW_WORDS, WIDTH)
with torch.no_grad():
    embedding.weight[:PRETRAINED_WORDS] = pretrained_vectors

# only the rows of the new words are trained
row_mask = torch.zeros(PRETRAINED_WORDS + NEW_WORDS, 1)
row_mask[PRETRAINED_WORDS:] = 1
embedding.weight.register_hook(lambda grad: grad * row_mask)  # <- blame

classifier = nn.Sequential(nn.Linear(WIDTH, 16), nn.Tanh(), nn.Linear(16, 2))
optimizer = torch.optim.AdamW(  # <- blame
    [{"params": embedding.parameters()}, {"params": classifier.parameters()}], lr=1e-2, weight_decay=0.1
)

for step in range(5):
    sentences = torch.randint(0, PRETRAINED_WORDS + NEW_WORDS, (16, 7))
    labels = torch.randint(0, 2, (16,))
    loss = F.cross_entropy(classifier(embedding(sentences).mean(dim=1)), labels)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    drift = (embedding.weight[:PRETRAINED_WORDS] - pretrained_vectors).abs().max().item()
    print(f"step {step} loss {loss.item():.4f} drift {drift:.5f}")
