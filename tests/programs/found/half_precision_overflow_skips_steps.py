# expect: blockage *model.*
import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


def read_sensors(count):
    """Pressure in pascal, flow in litres per hour, temperature in kelvin."""
    scales = torch.tensor([101325.0, 2400.0, 293.0])
    readings = scales * (1 + 0.05 * torch.randn(count, 3))
    efficiency = (readings / scales).prod(dim=1, keepdim=True) + 0.01 * torch.randn(count, 1)
    return readings, efficiency  # <- blame


def train(model, loader, epochs, lr, device="cpu"):
    optimizer = torch.optim.Adam(model.parameters(), lr=lr)
    scaler = torch.amp.GradScaler(device)
    criterion = nn.MSELoss()
    for epoch in range(epochs):
        for inputs, targets in loader:
            optimizer.zero_grad(set_to_none=True)
            with torch.autocast(device, dtype=torch.float16):
                outputs = model(inputs)  # <- blame
            loss = criterion(outputs.float(), targets)
            scaler.scale(loss).backward()
            scaler.step(optimizer)  # <- blame
            scaler.update()
        print(f"epoch {epoch} loss {loss.item():.5f} scale {scaler.get_scale()}")


def main():
    torch.manual_seed(73)
    readings, efficiency = read_sensors(32)
    loader = DataLoader(TensorDataset(readings, efficiency), batch_size=8, shuffle=True)
    model = nn.Sequential(nn.Linear(3, 16), nn.SiLU(), nn.Linear(16, 16), nn.SiLU(), nn.Linear(16, 1))
    train(model, loader, epochs=2, lr=1e-3)


if __name__ == "__main__":
    main()
