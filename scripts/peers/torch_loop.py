"""One hidden layer on functionals by a bare loop of torch: TABLE.npz EPOCHS"""

import sys

import numpy as np
import torch
from torch import nn

table = np.load(sys.argv[1])
values = torch.from_numpy(table["values"])
labels = torch.from_numpy(table["labels"])
validated, validated_labels = values[: len(values) // 10], labels[: len(values) // 10]
torch.manual_seed(0)
torch.set_num_threads(1)
network = nn.Sequential(
    nn.Linear(values.shape[1], 256), nn.ReLU(), nn.Dropout(0.2), nn.Linear(256, 4)
)
optimizer = torch.optim.AdamW(network.parameters(), lr=1e-3)
for _ in range(int(sys.argv[2])):
    network.train()
    for rows in torch.randperm(len(values)).split(32):
        optimizer.zero_grad()
        nn.functional.cross_entropy(network(values[rows]), labels[rows]).backward()
        optimizer.step()
    network.eval()
    with torch.inference_mode():
        nn.functional.cross_entropy(network(validated), validated_labels).item()
