"""Trains the demo's digit recogniser on strokes it makes itself and writes demo/models/digits.onnx with its fixture inputs.

    /usr/bin/python3 demo/train/train.py          # torch, numpy and onnx as Debian packages them; some minutes on one core

No data set is read. The seed is fixed and torch runs on one thread, so the same packages give the same file. Prints the accuracy on
strokes that training never saw. Batch normalisation stays in the graph: folding it is the engine's work.
"""
import json
import pathlib
import sys

import numpy as np
import onnx
import torch
from torch import nn

from strokes import SIZE, rasterise, sample

HERE = pathlib.Path(__file__).resolve().parent
MODELS = HERE.parent / 'models'
PAGE_HALF_WIDTH = 1.3  # what demo/raster.ts draws with


def dataset(count, seed):
    rng = np.random.default_rng(seed)
    images, labels = np.empty((count, 1, SIZE, SIZE), np.float32), np.arange(count) % 10
    for i in range(count):
        # Half as the page draws them, half in other widths, so that touch and pen of any kind are covered.
        half = PAGE_HALF_WIDTH if rng.random() < .5 else rng.uniform(.7, 2.0)
        images[i, 0] = rasterise(sample(int(labels[i]), rng), half)
    return torch.from_numpy(images), torch.from_numpy(labels)


def block(inputs, outputs, pool):
    layers = [nn.Conv2d(inputs, outputs, 3, padding=1, bias=False), nn.BatchNorm2d(outputs), nn.ReLU()]
    return layers + ([nn.MaxPool2d(2)] if pool else [])


def network():
    return nn.Sequential(
        *block(1, 16, True), *block(16, 32, False), *block(32, 32, True), *block(32, 24, True),
        nn.Flatten(), nn.Linear(24 * 9, 10),
    )


def augment(images):
    """Shifts by up to two pixels and faint noise: a hand is less careful than the generator."""
    dx, dy = int(torch.randint(-2, 3, ())), int(torch.randint(-2, 3, ()))
    return (torch.roll(images, (dy, dx), (2, 3)) + .03 * torch.randn_like(images)).clamp(0, 1)


def main():
    train_count, test_count, epochs = (2000, 500, 1) if '--quick' in sys.argv else (40000, 5000, 6)
    torch.manual_seed(7)
    torch.set_num_threads(1)
    images, labels = dataset(train_count, 1)
    held_out, held_labels = dataset(test_count, 2)
    model = network()
    print('parameters', sum(p.numel() for p in model.parameters()))
    steps = epochs * (train_count // 128)
    optimiser = torch.optim.AdamW(model.parameters(), lr=3e-3, weight_decay=1e-2)
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, 4e-3, total_steps=steps)
    loss_of = nn.CrossEntropyLoss(label_smoothing=.03)
    for epoch in range(epochs):
        model.train()
        order, total = torch.randperm(train_count), 0.0
        for i in range(train_count // 128):
            pick = order[i * 128:(i + 1) * 128]
            loss = loss_of(model(augment(images[pick])), labels[pick])
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
            schedule.step()
            total += loss.item()
        model.eval()
        with torch.no_grad():
            right = (model(held_out).argmax(1) == held_labels).float().mean().item()
        print(f'epoch {epoch + 1}  loss {total / (train_count // 128):.4f}  held-out accuracy {right:.4f}', flush=True)

    with_softmax = nn.Sequential(model, nn.Softmax(1)).eval()
    MODELS.mkdir(exist_ok=True)
    path = MODELS / 'digits.onnx'
    torch.onnx.export(
        with_softmax, torch.zeros(1, 1, SIZE, SIZE), str(path), opset_version=13, training=torch.onnx.TrainingMode.PRESERVE,
        do_constant_folding=False, input_names=['image'], output_names=['probabilities'],
        dynamic_axes={'image': {0: 'batch'}, 'probabilities': {0: 'batch'}},
    )
    proto = onnx.load(str(path))
    proto.doc_string = "Digits from drawn strokes. Trained on generated strokes only (demo/train). Licence: the project's."
    onnx.checker.check_model(proto)
    onnx.save(proto, str(path))

    # Strokes, their picture and the network's answer: ties this file, the page's raster and any engine together. The answers are torch's
    # here; demo/train/outputs.mjs replaces them by onnxruntime's.
    rng = np.random.default_rng(3)
    cases = []
    for digit in range(10):
        strokes = [np.round(s[::3], 3) for s in sample(digit, rng)]
        picture = rasterise(strokes, PAGE_HALF_WIDTH)
        with torch.no_grad():
            answer = with_softmax(torch.from_numpy(picture)[None, None])[0]
        cases.append({
            'digit': digit,
            'strokes': [s.tolist() for s in strokes],
            'image': [round(float(v), 4) for v in picture.ravel()],
            'probabilities': [float(f'{v:.7g}') for v in answer],
        })
    with open(MODELS / 'digits.fixture.json', 'w') as file:
        file.write(json.dumps({'halfWidth': PAGE_HALF_WIDTH, 'source': 'torch', 'cases': cases}, separators=(',', ':')) + '\n')
    # The same strokes alone, small enough for the page to carry: one example of each digit for those who cannot draw.
    with open(MODELS / 'examples.json', 'w') as file:
        file.write(json.dumps({'digits': [case['strokes'] for case in cases]}, separators=(',', ':')))
    print('written', path, path.stat().st_size, 'bytes')


if __name__ == '__main__':
    main()
