# expect: leak *front_end.*weight_[gv]
import torch
from torch import nn
from torch.nn.utils import weight_norm


class Vocoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.front_end = nn.Sequential(
            nn.Conv1d(10, 16, 3, padding=1), nn.LeakyReLU(0.1), nn.Conv1d(16, 16, 3, padding=1), nn.LeakyReLU(0.1)
        )
        self.upsample = nn.ConvTranspose1d(16, 8, 4, stride=2, padding=1)
        self.out = nn.Conv1d(8, 1, 5, padding=2)

    def forward(self, mel):
        hidden = torch.nn.functional.leaky_relu(self.upsample(self.front_end(mel)), 0.1)
        return torch.tanh(self.out(hidden))

    def apply_weight_norm(self):
        for module in self.modules():
            if isinstance(module, (nn.Conv1d, nn.ConvTranspose1d)):
                weight_norm(module)  # <- blame


class VocoderTrainer:
    def __init__(self, learning_rate=2e-4):
        self.vocoder = Vocoder()
        for parameter in self.vocoder.front_end.parameters():
            parameter.requires_grad = False
        self.vocoder.apply_weight_norm()  # <- blame
        trainable = [parameter for parameter in self.vocoder.parameters() if parameter.requires_grad]
        self.optimizer = torch.optim.AdamW(trainable, lr=learning_rate, betas=(0.8, 0.99))

    def update(self, mel, audio):
        self.optimizer.zero_grad()
        loss = (self.vocoder(mel) - audio).abs().mean()
        loss.backward()
        self.optimizer.step()
        return loss.item()


def main():
    torch.manual_seed(8)
    trainer = VocoderTrainer()
    for step in range(4):
        print("step", step, "l1", trainer.update(torch.randn(4, 10, 12), torch.rand(4, 1, 24) - 0.5))


if __name__ == "__main__":
    main()
