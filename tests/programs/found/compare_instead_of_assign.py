# expect: leak *speech_encoder.*
import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(4)


class ASR(nn.Module):
    def __init__(self, n_mel=8, hid=16, n_tok=6):
        super().__init__()
        self.speech_encoder = nn.LSTM(n_mel, hid, batch_first=True)
        self.ctc_head = nn.Linear(hid, n_tok)

    def freeze_encoder(self):
        for p in self.speech_encoder.parameters():
            p.requires_grad == False  # <- blame

    def forward(self, mel):
        out, _ = self.speech_encoder(mel)
        return self.ctc_head(out).log_softmax(-1)


asr = ASR()
asr.freeze_encoder()
opt = torch.optim.Adam(asr.parameters(), lr=2e-3)
for it in range(5):
    mel = torch.randn(4, 20, 8)
    target = torch.randint(1, 6, (4, 5))
    logp = asr(mel).transpose(0, 1)
    loss = F.ctc_loss(logp, target, torch.full((4,), 20), torch.full((4,), 5))
    opt.zero_grad()
    loss.backward()
    opt.step()
    print(it, loss.item())
