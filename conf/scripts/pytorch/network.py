"""A multilayer perceptron of PyTorch as a script of Perdure's (docs/scripts.md): dropout, Adam, early stopping by the validation rows.

The same network as the estimator mlp, with the same parameters (docs/pipelines.md): hidden_layer_sizes, dropout, learning_rate_init,
weight_decay, batch_size, max_iter, n_iter_no_change; validation_share of the config stands for validation_fraction. It takes the columns as the
transforms make them, so that what is to be scaled they scale; a missing value counts as 0. Needs torch, numpy, pandas and pyarrow. A checkpoint is
written after every epoch, and an attempt goes on with it. Uses a CUDA device where torch finds one.
"""

import argparse
import json
import os
import sys

import numpy as np
import pandas as pd
import torch
from torch import nn

DEFAULTS = {
    "hidden_layer_sizes": "256,128,64",
    "dropout": 0.3,
    "learning_rate_init": 1e-3,
    "weight_decay": 1e-4,
    "batch_size": 128,
    "max_iter": 30,
    "n_iter_no_change": 5,
}
DEVICE = torch.device("cuda" if torch.cuda.is_available() else "cpu")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("command", choices=["train", "predict"])
    for name in ("train", "validation", "params", "output", "checkpoint", "model"):
        parser.add_argument(f"--{name}")
    args = parser.parse_args()
    if args.command == "train":
        train(args)
    else:
        predict(args)


def network(inputs, outputs, settings):
    layers = []
    for width in (int(text) for text in str(settings["hidden_layer_sizes"]).split(",")):
        layers += [nn.Linear(inputs, width), nn.ReLU(), nn.Dropout(settings["dropout"])]
        inputs = width
    return nn.Sequential(*layers, nn.Linear(inputs, outputs)).to(DEVICE)


def train(args):
    with open(args.params) as file:
        given = json.load(file)
    unknown = sorted(set(given["params"]) - set(DEFAULTS))
    if unknown:
        raise ValueError(f"there is no parameter {', '.join(unknown)}; known are {', '.join(DEFAULTS)}")
    settings = {**DEFAULTS, **given["params"]}
    torch.set_num_threads(given["limits"]["threads"])
    torch.use_deterministic_algorithms(True, warn_only=True)
    torch.manual_seed(given["seed"])

    rows = pd.read_parquet(args.train)
    kept = {
        "task": given["task"],
        "features": given["features"],
        "settings": settings,
        "outputs": len(given["classes"]) if given["task"] == "multiclass" else 1,
    }
    x, y = inputs(rows, kept), labels(rows, given)
    held = pd.read_parquet(args.validation) if args.validation else None
    loss_of = {"binary": nn.BCEWithLogitsLoss(), "multiclass": nn.CrossEntropyLoss(), "regression": nn.MSELoss()}[given["task"]]

    model = network(len(given["features"]), kept["outputs"], settings)
    optimizer = torch.optim.Adam(model.parameters(), lr=settings["learning_rate_init"], weight_decay=settings["weight_decay"])
    best, best_loss, waited, first = None, float("inf"), 0, 0
    checkpoint = os.path.join(args.checkpoint, "checkpoint.pt") if args.checkpoint else None
    if checkpoint and os.path.exists(checkpoint):
        state = torch.load(checkpoint, map_location=DEVICE, weights_only=False)
        model.load_state_dict(state["model"])
        optimizer.load_state_dict(state["optimizer"])
        torch.set_rng_state(state["random"].cpu())
        best, best_loss, waited, first = state["best"], state["best_loss"], state["waited"], state["epoch"] + 1

    for epoch in range(first, settings["max_iter"]):
        if waited >= settings["n_iter_no_change"]:
            break
        model.train()
        total = 0.0
        for batch in torch.randperm(len(x)).split(settings["batch_size"]):
            batch = batch.to(DEVICE)
            optimizer.zero_grad()
            loss = loss_of(raw(model, x[batch], given), y[batch])
            loss.backward()
            optimizer.step()
            total += loss.item() * len(batch)
        metrics = {"train_loss": total / len(x)}
        model.eval()
        if held is not None:
            with torch.no_grad():
                metrics["validation_loss"] = loss_of(raw(model, inputs(held, kept), given), labels(held, given)).item()
        # Without rows to stop by the last epoch is the model.
        judged = metrics.get("validation_loss", -epoch)
        if judged < best_loss:
            best, best_loss, waited = {name: tensor.cpu().clone() for name, tensor in model.state_dict().items()}, judged, 0
        else:
            waited += 1
        print(json.dumps({"step": epoch + 1, "metrics": metrics}), flush=True)
        print(json.dumps({"progress": {"done": epoch + 1, "total": settings["max_iter"]}}), flush=True)
        if checkpoint:
            state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "random": torch.get_rng_state()}
            torch.save({**state, "best": best, "best_loss": best_loss, "waited": waited, "epoch": epoch}, checkpoint + ".new")
            os.replace(checkpoint + ".new", checkpoint)

    # Plain numbers: what torch.save writes differs from time to time.
    np.savez(f"{args.output}/weights.npz", **{name: tensor.numpy() for name, tensor in best.items()})
    with open(f"{args.output}/network.json", "w") as file:
        json.dump(kept, file)


def predict(args):
    with open(f"{args.model}/network.json") as file:
        kept = json.load(file)
    torch.set_num_threads(1)
    model = network(len(kept["features"]), kept["outputs"], kept["settings"])
    weights = np.load(f"{args.model}/weights.npz")
    model.load_state_dict({name: torch.from_numpy(weights[name]) for name in weights.files})
    model.eval()
    for line in sys.stdin:
        request = json.loads(line)
        with torch.no_grad():
            said = raw(model, inputs(pd.read_parquet(request["data"]), kept), kept)
        if kept["task"] == "binary":
            said = torch.sigmoid(said)
        if kept["task"] == "multiclass":
            said = torch.softmax(said.double(), dim=1)
        columns = said.cpu().numpy().astype(np.float64).reshape(len(said), -1)
        pd.DataFrame(columns).add_prefix("p").to_parquet(request["output"])
        print(json.dumps({"predicted": request["output"]}), flush=True)


def inputs(rows, kept):
    return torch.from_numpy(np.nan_to_num(rows[kept["features"]].to_numpy(np.float32))).to(DEVICE)


def labels(rows, given):
    values = torch.from_numpy(rows[given["label"]].to_numpy(copy=True)).to(DEVICE)
    return values.long() if given["task"] == "multiclass" else values.float()


def raw(model, values, given):
    said = model(values)
    return said if given["task"] == "multiclass" else said.squeeze(1)


main()
