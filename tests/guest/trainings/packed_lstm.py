import random
import sys

import numpy as np
import torch
import torch.nn.functional as F
from torch import nn

torch.manual_seed(0)
np.random.seed(0)
random.seed(0)

from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
rnn, head = nn.LSTM(3, 5, num_layers=2, dropout=0.5, batch_first=True, bidirectional=True), nn.Linear(10, 1)
opt = torch.optim.Adam([*rnn.parameters(), *head.parameters()])
for _ in range(3):
    out, _ = rnn(pack_padded_sequence(torch.randn(3, 6, 3), [6, 4, 2], batch_first=True))
    loss = head(pad_packed_sequence(out, batch_first=True)[0]).pow(2).mean()
    opt.zero_grad(); loss.backward(); opt.step(); print(loss.item())
