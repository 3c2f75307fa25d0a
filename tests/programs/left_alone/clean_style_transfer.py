import torch
from torch import nn


def load_vgg():
    network = nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.Conv2d(16, 16, 3, padding=1),
        nn.ReLU(),
        nn.AvgPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
    )
    return network.eval().requires_grad_(False)


def gram_matrix(features):
    batch, channels, height, width = features.shape
    flat = features.view(batch * channels, height * width)
    return flat @ flat.t() / flat.numel()


def extract(network, image, wanted=(1, 3, 6)):
    found = []
    for index, layer in enumerate(network):
        image = layer(image)
        if index in wanted:
            found.append(image)
    return found


def stylise(network, content, style, steps=6, style_weight=1e3):
    content_target = extract(network, content)[-1].detach()
    style_targets = [gram_matrix(f).detach() for f in extract(network, style)]
    image = content.clone().requires_grad_(True)
    optimizer = torch.optim.Adam([image], lr=0.02)
    for step in range(steps):
        with torch.no_grad():
            image.clamp_(0, 1)
        features = extract(network, image)
        content_loss = nn.functional.mse_loss(features[-1], content_target)
        pairs = zip(features, style_targets, strict=True)
        style_loss = sum(nn.functional.mse_loss(gram_matrix(f), target) for f, target in pairs)
        loss = content_loss + style_weight * style_loss
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        print(f"step {step}: content {content_loss.item():.5f} style {style_loss.item():.7f}")
    return image.detach().clamp(0, 1)


def main():
    torch.manual_seed(0)
    content, style = torch.rand(1, 3, 24, 24), torch.rand(1, 3, 24, 24) ** 2
    result = stylise(load_vgg(), content, style)
    print("mean change", (result - content).abs().mean().item())


if __name__ == "__main__":
    main()
