# expect-note: GF301 critic.*
# expect-note: GF301 gen.*weight
import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(42)

Z_DIM = 16
FEATURES = 20
CRITIC_ITERATIONS = 3
WEIGHT_CLIP = 0.01
LEARNING_RATE = 5e-5
BATCH_SIZE = 32

weights = torch.randn(4, FEATURES)


def real_batch(n):
    return torch.randn(n, 4) @ weights + 0.1 * torch.randn(n, FEATURES)


class Critic(nn.Module):
    def __init__(self):
        super().__init__()
        self.fc1 = nn.Linear(FEATURES, 64)
        self.fc2 = nn.Linear(64, 32)
        self.out = nn.Linear(32, 1, bias=False)
        self.act = nn.LeakyReLU(0.2)

    def forward(self, x):
        return self.out(self.act(self.fc2(self.act(self.fc1(x)))))


class Generator(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(
            nn.Linear(Z_DIM, 64, bias=False),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, 64, bias=False),
            nn.BatchNorm1d(64),
            nn.ReLU(),
            nn.Linear(64, FEATURES),
        )

    def forward(self, z):
        return self.net(z)


gen = Generator()
critic = Critic()
opt_gen = optim.RMSprop(gen.parameters(), lr=LEARNING_RATE)
opt_critic = optim.RMSprop(critic.parameters(), lr=LEARNING_RATE)

gen.train()
critic.train()
for step in range(5):
    for _ in range(CRITIC_ITERATIONS):
        data = real_batch(BATCH_SIZE)
        noise = torch.randn(BATCH_SIZE, Z_DIM)
        fake = gen(noise)
        critic_real = critic(data).reshape(-1)
        critic_fake = critic(fake).reshape(-1)
        loss_critic = -(torch.mean(critic_real) - torch.mean(critic_fake))
        critic.zero_grad()
        loss_critic.backward(retain_graph=True)
        opt_critic.step()

        # clip critic weights between -0.01, 0.01
        for p in critic.parameters():
            p.data.clamp_(-WEIGHT_CLIP, WEIGHT_CLIP)

    # max E[critic(gen_fake)] <-> min -E[critic(gen_fake)]
    output = critic(fake).reshape(-1)
    loss_gen = -torch.mean(output)
    gen.zero_grad()
    loss_gen.backward()
    opt_gen.step()

    print(f"Step {step} Loss D: {loss_critic:.6f}, loss G: {loss_gen:.6f}")
