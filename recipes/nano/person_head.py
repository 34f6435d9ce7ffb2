"""Train the person head, which scores how much a mask is one whole person; all else stays.

    python recipes/nano/person_head.py PACK OUT/model.safetensors OUT/model.safetensors

After `train.py`, on the mask tokens of its network. Trains on the pictures of sets that
`sources.toml` says to be of one labelled person each, or of none.
"""

from __future__ import annotations

import argparse
import time
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from sources import Source, read_sources
from torch import Tensor, nn

from sam2_backend import Sam2Model, load_model, save_model
from sam2_backend.network.prompt_encoder import BOX_END, BOX_START
from sam2_backend.network.transforms import image_to_input
from sam2_backend.predictors.prompts import REFINEMENT_CLAMP
from sam2_backend.training import Pack
from sam2_backend.training.data.packing import PackRecord, set_name

CLICKS_INSIDE = CLICKS_ANYWHERE = 14
BOXES = 12
CROP_SHARE, MIN_CROP = 0.4, 0.5
EPOCHS, BATCH, RATE, DROPOUT = 20, 1024, 2e-3, 0.1


def choose_records(
    pack: Path, sources: dict[str, Source], seed: int
) -> list[tuple[PackRecord, bool]]:
    """Choose pictures to train on, and say of each whether a person is on it.

    They are ordered so that three of five are of people.
    """
    held_out = {name: source.held_out for name, source in sources.items()}
    kept = Pack.open(pack / "stills.npz").split(held_out)[0]
    rng = np.random.default_rng(seed)
    with_people, without = (
        [
            record
            for record in kept.records
            if set_name(record) in sources and sources[set_name(record)].people == people
        ]
        for people in ("one", "none")
    )
    if not with_people or not without:
        raise ValueError(
            f"{pack} has {len(with_people)} pictures of one person and {len(without)} without "
            'people: both are needed. `people = "one"` and "none" in sources.toml say which are.'
        )
    ordered: list[tuple[float, PackRecord, bool]] = []
    for records, people, every in ((with_people, True, 1 / 0.6), (without, False, 1 / 0.4)):
        weights = np.array([sources[set_name(record)].weight for record in records])
        order = np.argsort(rng.exponential(1 / weights))  # the likelier first, none left out
        ordered += [(n * every, records[i], people) for n, i in enumerate(order)]
    ordered.sort(key=lambda one: one[0])
    return [(record, people) for _, record, people in ordered]


def predict_tokens(
    model: Sam2Model, rgb: NDArray[np.uint8], inside: NDArray[np.bool_], rng: np.random.Generator
) -> Iterator[tuple[Tensor, Tensor]]:
    """Predict masks for many prompts, with their tokens.

    Prompts are clicks, and then boxes and mask prompts of predicted masks.

    Parameters
    ----------
    model : with a person head.
    rgb : (H, W, 3) uint8.
    inside : (H, W) bool, the object.
    rng : draws the prompts.

    Yields
    ------
    tokens_nc, masks_nhw : (N, C) mask tokens, and (N, h, w) bool masks.
    """
    size = model.config.image_size
    height, width = inside.shape
    ys, xs = inside.nonzero()
    chosen = rng.integers(len(ys), size=CLICKS_INSIDE)
    clicks = np.stack((xs[chosen], ys[chosen]), axis=1) + 0.5
    anywhere = rng.random((CLICKS_ANYWHERE, 2)) * (width, height)
    points = torch.tensor(np.concatenate((clicks, anywhere)), dtype=torch.float32)
    points = (points / torch.tensor((width, height)) * size).to(model.device)[:, None]
    labels = torch.ones(len(points), 1, dtype=torch.int64, device=model.device)
    with model.runtime.inference():
        features = model.encode_image(image_to_input(rgb, size, model.device))
        s16 = model.add_no_memory_embed(features.s16)
        output = model.decode_masks(
            s16, features.s8, features.s4, points_np2=points, labels_np=labels
        )
        logits_nhw, tokens_nc = output.logits_nmhw.flatten(0, 1), output.tokens_nmc.flatten(0, 1)
        yield tokens_nc, logits_nhw > 0

        visible = ((logits_nhw > 0).flatten(1).sum(dim=1) > 4).nonzero()[:, 0].cpu().numpy()
        if not len(visible):
            return
        picked = torch.tensor(rng.choice(visible, BOXES), device=model.device)
        masks = logits_nhw[picked, None].clamp(-REFINEMENT_CLAMP, REFINEMENT_CLAMP)
        corners = [
            ((x.min(), y.min()), (x.max() + 1, y.max() + 1))
            for y, x in ((mask > 0).nonzero(as_tuple=True) for mask in masks[:, 0])
        ]
        boxes = torch.tensor(corners, dtype=torch.float32, device=model.device)
        output = model.decode_masks(
            s16,
            features.s8,
            features.s4,
            points_np2=boxes * (size / model.config.mask_size),
            labels_np=torch.tensor([[BOX_START, BOX_END]], device=model.device).expand(BOXES, -1),
            mask_logits_n1hw=masks,
        )
        yield output.tokens_nmc.flatten(0, 1), output.logits_nmhw.flatten(0, 1) > 0


def augment(
    rgb: NDArray[np.uint8], inside: NDArray[np.bool_], rng: np.random.Generator
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Mirror and crop a picture at random; at least half of the object stays."""
    if rng.random() < 0.5:
        rgb, inside = rgb[:, ::-1], inside[:, ::-1]
    if rng.random() < CROP_SHARE:
        rows, columns = (
            slice(start := int(rng.integers(length - part + 1)), start + part)
            for length in inside.shape
            for part in (max(int(length * rng.uniform(MIN_CROP, 0.95)), 1),)
        )
        if 2 * inside[rows, columns].sum() > inside.sum():
            rgb, inside = rgb[rows, columns], inside[rows, columns]
    return np.ascontiguousarray(rgb), np.ascontiguousarray(inside)


def collect_tokens(
    model: Sam2Model, records: list[tuple[PackRecord, bool]], seconds: float, seed: int
) -> tuple[Tensor, Tensor, Tensor]:
    """Collect tokens (N, C), their masks' IoUs with the person (N,), and their pictures (N,)."""
    rng = np.random.default_rng(seed)
    side = model.config.mask_size
    tokens, ious, pictures = [], [], []
    begun = time.monotonic()
    for n, (record, person) in enumerate(records):
        if time.monotonic() - begun > seconds and n > 1:
            print(f"Out of time after {n} of {len(records)} pictures.", flush=True)
            break
        rgb, labels = record.decode(0)
        rgb, inside = augment(rgb, (labels > 0) & (labels != 255), rng)
        if not inside.any():
            continue
        person_11hw = torch.from_numpy((inside & person).astype(np.float32))[None, None]
        person_hw = F.interpolate(person_11hw, (side, side), mode="area")[0, 0] > 0.5
        for tokens_nc, masks_nhw in predict_tokens(model, rgb, inside, rng):
            shared = (masks_nhw & person_hw.to(model.device)).flatten(1).sum(dim=1)
            union = (masks_nhw | person_hw.to(model.device)).flatten(1).sum(dim=1)
            tokens.append(tokens_nc.half().cpu())
            ious.append((shared / union.clamp(min=1)).float().cpu())
            pictures.append(torch.full((len(tokens_nc),), n))
    return torch.cat(tokens), torch.cat(ious), torch.cat(pictures)


def train_head(tokens_nc: Tensor, ious_n: Tensor, hidden: int, seed: int) -> nn.Sequential:
    """Train a head that predicts the IoU from the token."""
    torch.manual_seed(seed)
    tokens = tokens_nc.float()
    mean, spread = tokens.mean(dim=0), tokens.std(dim=0) + 1e-3
    tokens = (tokens - mean) / spread
    head = nn.Sequential(
        nn.Dropout(DROPOUT),
        nn.Linear(tokens.shape[1], hidden),
        nn.ReLU(),
        nn.Dropout(2 * DROPOUT),
        nn.Linear(hidden, 1),
    )
    optimizer = torch.optim.AdamW(head.parameters(), RATE, weight_decay=1e-2)
    steps = max(EPOCHS * len(tokens) // BATCH, 100)
    for step in range(steps):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 - step / steps)
        rows = torch.randint(len(tokens), (BATCH,))
        loss = F.binary_cross_entropy_with_logits(head(tokens[rows])[:, 0], ious_n[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    first = head[1]
    assert isinstance(first, nn.Linear)
    with torch.no_grad():  # the network's tokens come as they are
        first.weight /= spread
        first.bias -= first.weight @ mean
    return head.eval()


def main() -> None:
    """Train the head of the weights that the command line names."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("pack", type=Path, help="folder of stills.npz")
    parser.add_argument("weights", type=Path, help="of a network with a person head, old or new")
    parser.add_argument("out", type=Path, help="the same with the head trained, .safetensors")
    parser.add_argument("--minutes", type=float, default=10.0, help="for collecting tokens")
    parser.add_argument("--pictures", type=int, default=1200, help="at most")
    parser.add_argument("--device", help="cuda, cpu (default: the best there is)")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model = load_model(arguments.weights, arguments.device)
    if not model.config.person_head:
        raise SystemExit(f"{arguments.weights} is of a network without a person head.")
    records = choose_records(arguments.pack, read_sources(), arguments.seed)
    records = records[: arguments.pictures]
    tokens, ious, pictures = collect_tokens(model, records, 60 * arguments.minutes, arguments.seed)

    hidden = model.config.hidden_dim // 2
    checked = pictures % 8 == 7
    if checked.any():
        head = train_head(tokens[~checked], ious[~checked], hidden, arguments.seed)
        with torch.no_grad():
            predicted = head(tokens[checked].float())[:, 0].sigmoid()
        agreement = torch.corrcoef(torch.stack((predicted, ious[checked])))[0, 1]
        error = (predicted - ious[checked]).abs().mean()
        print(
            f"{len(ious)} masks of {len(pictures.unique())} pictures; on an eighth of them, not "
            f"learnt from: correlation {agreement:.3f}, mean absolute error {error:.3f}",
            flush=True,
        )
    head = train_head(tokens, ious, hidden, arguments.seed)
    state = {key: value.half() for key, value in model.state_dict().items()}
    for ours, theirs in ((0, 1), (1, 4)):
        for kind in ("weight", "bias"):
            key = f"sam_mask_decoder.person_head.layers.{ours}.{kind}"
            state[key] = head.state_dict()[f"{theirs}.{kind}"].half()
    save_model(model.config, state, arguments.out)
    print(f"Wrote {arguments.out}.", flush=True)


if __name__ == "__main__":
    main()
