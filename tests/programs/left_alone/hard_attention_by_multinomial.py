import torch
from torch import nn
from torch.nn import functional as F


class GlimpseDecoder(nn.Module):
    def __init__(self, width, words):
        super().__init__()
        self.query = nn.Linear(width, width)
        self.key = nn.Linear(width, width, bias=False)
        self.cell = nn.GRUCell(width, width)
        self.word = nn.Linear(width, words)

    def attend(self, state, regions):
        scores = torch.einsum("bd,bnd->bn", self.query(state), self.key(regions))
        chosen = F.gumbel_softmax(scores, hard=True, dim=-1)
        return torch.einsum("bn,bnd->bd", chosen, regions)

    def forward(self, regions, length):
        state = regions.mean(dim=1)
        outputs = []
        for _ in range(length):
            state = self.cell(self.attend(state, regions), state)
            outputs.append(self.word(state))
        return torch.stack(outputs, dim=1)


def caption_loss(encoder, decoder, images, captions):
    regions = encoder(images).flatten(2).transpose(1, 2)
    logits = decoder(regions, captions.size(1))
    return F.cross_entropy(logits.flatten(0, 1), captions.flatten())


def main():
    torch.manual_seed(0)
    encoder = nn.Sequential(nn.Conv2d(3, 16, 4, stride=4), nn.Tanh())
    decoder = GlimpseDecoder(16, words=12)
    optimizer = torch.optim.Adam([*encoder.parameters(), *decoder.parameters()], lr=2e-3)
    for step in range(4):
        images, captions = torch.randn(6, 3, 12, 12), torch.randint(0, 12, (6, 5))
        optimizer.zero_grad()
        loss = caption_loss(encoder, decoder, images, captions)
        loss.backward()
        optimizer.step()
        print(step, loss.item())


if __name__ == "__main__":
    main()
