"""SWA in the last third of training with SWALR and update_bn afterwards."""
import torch
from torch import nn
from torch.optim.swa_utils import AveragedModel, SWALR, update_bn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(7)
ds = TensorDataset(torch.randn(160, 6), torch.randint(0, 3, (160,)))
loader = DataLoader(ds, batch_size=40, shuffle=True)
model = nn.Sequential(nn.Linear(6, 24, bias=False), nn.BatchNorm1d(24), nn.ReLU(), nn.Dropout(0.1), nn.Linear(24, 3))
swa = AveragedModel(model)
opt = torch.optim.SGD(model.parameters(), lr=0.1, momentum=0.9, weight_decay=5e-4)
cosine = torch.optim.lr_scheduler.CosineAnnealingLR(opt, T_max=6)
swa_sched = SWALR(opt, swa_lr=0.02, anneal_epochs=1)
criterion = nn.CrossEntropyLoss()
START = 4

for epoch in range(6):
    model.train()
    for xb, yb in loader:
        opt.zero_grad()
        loss = criterion(model(xb), yb)
        loss.backward()
        opt.step()
    if epoch >= START:
        swa.update_parameters(model)
        swa_sched.step()
    else:
        cosine.step()
    print(epoch, round(loss.item(), 4), opt.param_groups[0]["lr"])

update_bn(loader, swa)
swa.eval()
with torch.no_grad():
    xs, ys = ds.tensors
    print("swa acc", (swa(xs).argmax(1) == ys).float().mean().item())
