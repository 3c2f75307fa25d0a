import torch
from torch import nn


class FrozenLanguageModel(nn.Module):
    def __init__(self, vocabulary=50, width=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, width)
        layer = nn.TransformerEncoderLayer(width, nhead=4, dim_feedforward=64, dropout=0.0, batch_first=True)
        self.transformer = nn.TransformerEncoder(layer, num_layers=2)
        self.head = nn.Linear(width, vocabulary)


class PromptTuned(nn.Module):
    def __init__(self, language_model, prompt_length=6):
        super().__init__()
        self.language_model = language_model
        for parameter in self.language_model.parameters():
            parameter.requires_grad_(False)
        width = language_model.embed.embedding_dim
        self.prompt = nn.Parameter(torch.randn(prompt_length, width) * 0.02)

    def forward(self, tokens):
        prompt = self.prompt.unsqueeze(0).expand(tokens.size(0), -1, -1)
        embedded = torch.cat([prompt, self.language_model.embed(tokens)], dim=1)
        mask = nn.Transformer.generate_square_subsequent_mask(embedded.size(1))
        hidden = self.language_model.transformer(embedded, mask=mask)
        return self.language_model.head(hidden[:, self.prompt.size(0) :])


def batches(count, batch_size=8, length=10):
    for _ in range(count):
        tokens = torch.randint(0, 50, (batch_size, length + 1))
        yield tokens[:, :-1], tokens[:, 1:]


def train(model, steps):
    optimizer = torch.optim.AdamW([model.prompt], lr=0.3, weight_decay=0.0)
    scheduler = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=steps)
    model.train()
    for step, (inputs, targets) in enumerate(batches(steps)):
        logits = model(inputs)
        loss = nn.functional.cross_entropy(logits.flatten(0, 1), targets.flatten())
        optimizer.zero_grad(set_to_none=True)
        loss.backward()
        optimizer.step()
        scheduler.step()
        print(f"step {step}: loss {loss.item():.4f}")


def main():
    torch.manual_seed(11)
    model = PromptTuned(FrozenLanguageModel())
    train(model, steps=5)


if __name__ == "__main__":
    main()
