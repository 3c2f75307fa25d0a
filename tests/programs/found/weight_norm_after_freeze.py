# expect: leak *weight_[gv]
import warnings
import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.nn.utils import weight_norm

warnings.filterwarnings("ignore", category=FutureWarning)
torch.manual_seed(17)


class Vocoder(nn.Module):
    def __init__(self, ch=8):
        super().__init__()
        self.pre = nn.Conv1d(ch, 16, 3, padding=1)
        self.post = nn.Conv1d(16, 1, 3, padding=1)

    def forward(self, mel):
        return self.post(F.leaky_relu(self.pre(mel), 0.1)).tanh()

    def apply_weight_norm(self):
        for m in (self.pre, self.post):
            weight_norm(m)  # <- blame


acoustic = nn.Sequential(nn.Conv1d(4, 16, 3, padding=1), nn.ReLU(), nn.Conv1d(16, 8, 1))
vocoder = Vocoder()
# joint fine-tuning of the acoustic model through a fixed vocoder
vocoder.requires_grad_(False)  # <- blame
vocoder.eval()
vocoder.apply_weight_norm()  # <- blame

trainable = [p for m in (acoustic, vocoder) for p in m.parameters() if p.requires_grad]
optimizer = torch.optim.AdamW(trainable, lr=1e-3, weight_decay=0.0)
for it in range(5):
    text = torch.randn(6, 4, 20)
    wav = torch.sin(text.sum(1, keepdim=True))
    loss = F.l1_loss(vocoder(acoustic(text)), wav)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    print(it, round(loss.item(), 5))
