import torch
import torch.nn.functional as F
from torch import nn, optim
from torch.utils.data import DataLoader, TensorDataset


class VectorQuantizer(nn.Module):
    def __init__(self, num_embeddings, embedding_dim, commitment_cost):
        super().__init__()
        self._embedding_dim, self._num_embeddings = embedding_dim, num_embeddings
        self._embedding = nn.Embedding(num_embeddings, embedding_dim)
        self._embedding.weight.data.uniform_(-1 / num_embeddings, 1 / num_embeddings)
        self._commitment_cost = commitment_cost

    def forward(self, inputs):
        inputs = inputs.permute(0, 2, 3, 1).contiguous()
        flat_input = inputs.view(-1, self._embedding_dim)
        distances = (
            torch.sum(flat_input**2, dim=1, keepdim=True)
            + torch.sum(self._embedding.weight**2, dim=1)
            - 2 * torch.matmul(flat_input, self._embedding.weight.t())
        )
        encoding_indices = torch.argmin(distances, dim=1).unsqueeze(1)
        encodings = torch.zeros(encoding_indices.shape[0], self._num_embeddings)
        encodings.scatter_(1, encoding_indices, 1)
        quantized = torch.matmul(encodings, self._embedding.weight).view(inputs.shape)

        e_latent_loss = F.mse_loss(quantized.detach(), inputs)
        q_latent_loss = F.mse_loss(quantized, inputs.detach())
        loss = q_latent_loss + self._commitment_cost * e_latent_loss

        quantized = inputs + (quantized - inputs).detach()
        avg_probs = torch.mean(encodings, dim=0)
        perplexity = torch.exp(-torch.sum(avg_probs * torch.log(avg_probs + 1e-10)))
        return loss, quantized.permute(0, 3, 1, 2).contiguous(), perplexity


class Model(nn.Module):
    def __init__(self, hidden=16, embedding_dim=8, num_embeddings=32):
        super().__init__()
        self._encoder = nn.Sequential(nn.Conv2d(1, hidden, 4, 2, 1), nn.ReLU(), nn.Conv2d(hidden, hidden, 4, 2, 1))
        self._pre_vq_conv = nn.Conv2d(hidden, embedding_dim, 1)
        self._vq_vae = VectorQuantizer(num_embeddings, embedding_dim, 0.25)
        self._decoder = nn.Sequential(
            nn.ConvTranspose2d(embedding_dim, hidden, 4, 2, 1), nn.ReLU(), nn.ConvTranspose2d(hidden, 1, 4, 2, 1)
        )

    def forward(self, x):
        loss, quantized, perplexity = self._vq_vae(self._pre_vq_conv(self._encoder(x)))
        return loss, self._decoder(quantized), perplexity


torch.manual_seed(1)
images = torch.sin(torch.linspace(0, 12, 16).view(1, 1, 1, 16) * torch.rand(80, 1, 16, 1)) + 0.05 * torch.randn(
    80, 1, 16, 16
)
training_loader = DataLoader(TensorDataset(images[:64]), batch_size=16, shuffle=True)
data_variance = images[:64].var().item()

model = Model()
optimizer = optim.Adam(model.parameters(), lr=1e-3, amsgrad=False)

for epoch in range(2):
    model.train()
    for (data,) in training_loader:
        optimizer.zero_grad()
        vq_loss, data_recon, perplexity = model(data)
        recon_error = F.mse_loss(data_recon, data) / data_variance
        loss = recon_error + vq_loss
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        _, valid_recon, _ = model(images[64:])
        valid_error = F.mse_loss(valid_recon, images[64:]) / data_variance
    print(f"epoch {epoch} recon {recon_error:.3f} perplexity {perplexity:.3f} valid {valid_error:.3f}")
