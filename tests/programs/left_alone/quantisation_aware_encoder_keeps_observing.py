import warnings; warnings.simplefilter("ignore")
import torch, torch.nn as nn, torch.nn.functional as F
import torch.ao.quantization as q
torch.manual_seed(1)
class Enc(nn.Module):
    def __init__(self):
        super().__init__()
        self.quant = q.QuantStub(); self.a = nn.Linear(6, 16); self.r = nn.ReLU(); self.b = nn.Linear(16, 8); self.dequant = q.DeQuantStub()
    def forward(self, x):
        return self.dequant(self.b(self.r(self.a(self.quant(x)))))
encoder = Enc().train()
encoder.qconfig = q.get_default_qat_qconfig("fbgemm")
q.prepare_qat(encoder, inplace=True)
with torch.no_grad():
    for _ in range(5): encoder(torch.randn(16, 6))
encoder.requires_grad_(False).apply(q.disable_observer)
head = nn.Linear(8, 3)
opt = torch.optim.Adam(head.parameters(), 1e-2)
for i in range(4):
    x = torch.randn(16, 6)
    loss = F.cross_entropy(head(encoder(x)), x[:, :3].argmax(1))
    opt.zero_grad(); loss.backward(); opt.step()
