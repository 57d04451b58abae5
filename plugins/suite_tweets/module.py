"""How tweets are learnt: cross-entropy of the next token, measured in bits per character on tweets held out."""

import math
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import numpy as np
import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor, nn
from torch.nn import functional
from torchmetrics import MeanMetric, SumMetric

from lightning_suite.errors import RunError, SuiteError, UsageError
from suite_tweets.account import Account, weighted_length
from suite_tweets.batches import Batch
from suite_tweets.cleaning import clean
from suite_tweets.measuring import Heard, Told, characters, heard, told
from suite_tweets.memory import Memory, cache_probability, mixed_nats, tuned
from suite_tweets.network import LanguageModel
from suite_tweets.pictures import write_histogram
from suite_tweets.quality import Copies, distinct, length_distance
from suite_tweets.samples import write_samples
from suite_tweets.sampling import LIMIT, Sampling, generate
from suite_tweets.state import State, detached
from suite_tweets.tokens import Tokenizer, from_state

STATE = "tweets"
"""Where a checkpoint holds what is neither a weight nor a setting: tokens, rules of cleaning, lengths, first words."""


class TweetModel(LightningModule):
    """An LSTM language model of the tweets of one account, trained by cross-entropy.

    The defaults are the paper's network without dropout (section 6), whose sizes it does not give.

    Args:
        embedding_dim: numbers a token; null: as many as hidden_dim.
        hidden_dim: numbers of each LSTM layer.
        layers: LSTM layers, LAYER_NUM.
        tied: the softmax uses the embedding's vectors.
        dropout: other masks at every step (step), or one mask for a whole sequence (sequence).
        token_dropout: of whole tokens, from the embedding.
        input_dropout: before the first LSTM layer.
        hidden_dropout: after every LSTM layer but the last.
        output_dropout: after the last LSTM layer.
        weight_dropout: of the hidden-to-hidden weights.
        optimizer: adam, or adamw, whose weight decay does not pass through the moments.
        learning_rate: of the optimizer, at its highest.
        schedule: constant, or cosine: down to zero over the whole training.
        weight_decay: of the optimizer.
        cache: tokens that a test remembers, beside measuring without; 0: it remembers nothing (``memory``).
        sample_every: sample tweets are written every so many epochs, and after the last, to samples.txt; 0: never.
        samples: how many each time.
        generated: tweets that a test writes to measure copying, variety and lengths.
        temperature: of the tweets that training and testing write.

    Raises:
        UsageError: no network can be built, or trained, with these.
    """

    def __init__(
        self,
        *,
        embedding_dim: int | None = None,
        hidden_dim: int = 256,
        layers: int = 1,
        tied: bool = False,
        dropout: Literal["step", "sequence"] = "step",
        token_dropout: float = 0.0,
        input_dropout: float = 0.0,
        hidden_dropout: float = 0.0,
        output_dropout: float = 0.0,
        weight_dropout: float = 0.0,
        optimizer: Literal["adam", "adamw"] = "adam",
        learning_rate: float = 0.001,
        schedule: Literal["constant", "cosine"] = "constant",
        weight_decay: float = 0.0,
        cache: int = 0,
        sample_every: int = 10,
        samples: int = 5,
        generated: int = 500,
        temperature: float = 1.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        chosen = self.hparams
        for name in ("hidden_dim", "layers", "samples", "generated"):
            if chosen[name] < 1:
                raise UsageError(f"--model.{name}: expected 1 or more, got {chosen[name]}")
        if embedding_dim is not None and embedding_dim < 1:
            raise UsageError(f"--model.embedding_dim: expected 1 or more, got {embedding_dim}")
        for name in ("token", "input", "hidden", "output", "weight"):
            if not 0 <= chosen[f"{name}_dropout"] < 1:
                raise UsageError(
                    f"--model.{name}_dropout: expected 0 or more, below 1, got {chosen[f'{name}_dropout']}"
                )
        if not 0 < learning_rate < math.inf or not 0 <= weight_decay < math.inf or min(sample_every, cache) < 0:
            raise UsageError(
                "--model.learning_rate must be above 0, --model.weight_decay, --model.sample_every and --model.cache "
                f"at least 0, got {learning_rate}, {weight_decay}, {sample_every} and {cache}"
            )
        self.sampling = Sampling(temperature=temperature)
        self._state: State | None = None
        self._memory: Memory | None = None  # of the tweets before those that are tested
        self._flatness, self._weight = 0.0, 0.0  # with which it is used

    def configure_model(self) -> None:
        """Builds the network for the tokens of the data it is to learn from."""
        fitting = self._trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        if hasattr(self, "network") or not fitting:
            return  # built already, or about to be from a checkpoint
        data = self.trainer.datamodule  # type: ignore[attr-defined]
        self._build(data.tokenizer, data.account, data.rules, data.training_set == "stream")

    def _build(self, tokenizer: Tokenizer, account: Account, rules: Sequence[str], carries: bool) -> None:
        chosen = self.hparams
        self.tokenizer, self.account, self.rules, self.carries = tokenizer, account, tuple(rules), carries
        self.network = LanguageModel(
            tokenizer.size,
            tokenizer.once,
            embedding_dim=chosen["embedding_dim"] or chosen["hidden_dim"],
            hidden_dim=chosen["hidden_dim"],
            layers=chosen["layers"],
            tied=chosen["tied"],
            dropout=chosen["dropout"],
            token_rate=chosen["token_dropout"],
            input_rate=chosen["input_dropout"],
            hidden_rate=chosen["hidden_dropout"],
            output_rate=chosen["output_dropout"],
            weight_rate=chosen["weight_dropout"],
        )
        self.train_loss = MeanMetric()
        self.sums = nn.ModuleDict({name: SumMetric().set_dtype(torch.float64) for name in (*Told._fields, "cached")})

    def configure_optimizers(self) -> OptimizerLRScheduler:
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.hparams["optimizer"]]
        rate, decay = self.hparams["learning_rate"], self.hparams["weight_decay"]
        optimizer: torch.optim.Optimizer = kind(self.parameters(), lr=rate, weight_decay=decay)
        if self.hparams["schedule"] == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(steps, 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    # Training

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Logits (time, batch, token) of the token after each of (time, batch), and the state after the last."""
        logits, after = self.network(tokens, state)
        return logits, after

    def training_step(self, batch: Batch, batch_idx: int) -> Tensor:
        state = self.network.initial_state(batch.tokens.shape[1])
        if batch.goes_on and self._state is not None:  # from a checkpoint it comes on the CPU
            state = tuple((hidden.to(self.device), cell.to(self.device)) for hidden, cell in self._state)
        logits, after = self(batch.tokens, state)
        self._state = detached(after) if self.carries else None
        loss = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        self.train_loss.update(loss.detach(), batch.targets.numel())
        self.log("train_loss", self.train_loss, on_step=False, on_epoch=True, prog_bar=True)
        return loss

    def on_train_epoch_end(self) -> None:
        """Writes sample tweets, every so many epochs and after the last (section 8 of the paper)."""
        every, epoch = self.hparams["sample_every"], self.current_epoch + 1
        if not every or (epoch % every and epoch != self.trainer.max_epochs):
            return
        folder = Path(self.trainer.log_dir or ".")
        if not self.trainer.is_global_zero or not (folder / "figures").is_dir():
            return  # another process, or no run folder
        try:
            tweets = self.write(self.hparams["samples"], self.sampling, seed=epoch)
        except SuiteError as error:  # a network that is at its beginning may write nothing of use
            tweets = [f"(none: {error})"]
        write_samples(folder / "samples.txt", epoch, tweets)
        rank_zero_info("\n  ".join([f"samples after epoch {epoch}:", *tweets]))

    # What is held out

    def validation_step(self, batch: list[str], batch_idx: int) -> None:
        self._count(batch, self._heard(batch))

    def on_validation_epoch_end(self) -> None:
        self._log_sums("val")

    def on_test_start(self) -> None:
        """Fills the cache with the tweets before those that are tested, and chooses on them how it is used."""
        parts = self.trainer.datamodule.parts  # type: ignore[attr-defined]
        if known := sum(map(self.account.knows, parts.test)):
            rank_zero_warn(
                f"{known:,} of {len(parts.test):,} tested tweets were trained on, which flatters the model: the file, "
                "or how it is divided, has changed since"
            )
        window = self.hparams["cache"]
        if not window:
            return
        # The last of the training tweets: a token and an END each are enough to fill the window.
        older = self._heard(parts.train[-(window // 2) - 1 :]).memory
        latest = self._heard(parts.validation)
        self._flatness, self._weight = tuned(latest.nats, latest.memory, older, window=window)
        self._memory = older.and_then(latest.memory).last(window)
        rank_zero_info(f"cache of {window:,} tokens: flatness {self._flatness}, weight {self._weight}, by validation")

    def test_step(self, batch: list[str], batch_idx: int) -> None:
        whole = self._heard(batch)
        self._count(batch, whole)
        if self._memory is not None:
            window = self.hparams["cache"]
            cache = cache_probability(whole.memory, self._memory, window=window, flatness=self._flatness)
            self._sum("cached").update(mixed_nats(whole.nats, cache, self._weight).sum())
            self._memory = self._memory.and_then(whole.memory).last(window)

    def on_test_epoch_end(self) -> None:
        """Logs what was held out, and what tweets are like that the model writes, of lengths of its own."""
        self._log_sums("test")
        free = replace(self.account, lengths=())
        try:
            generator = torch.Generator().manual_seed(0)
            count = self.hparams["generated"]
            tweets = generate(self.network, self.tokenizer, free, count, self.sampling, generator=generator)
        except SuiteError as error:
            rank_zero_warn(f"copying, variety and lengths are not measured: {error}")
            return
        copies = Copies(self.trainer.datamodule.parts.train)  # type: ignore[attr-defined]
        for n in (1, 2, 3):
            self.log(f"test_distinct_{n}", distinct(tweets, n))
        for n in (4, 8):
            self.log(f"test_copied_{n}", copies.share(tweets, n))
        self.log("test_length_distance", length_distance(tweets, self.account.lengths))
        figures = Path(self.trainer.log_dir or ".") / "figures"
        if self.trainer.is_global_zero and figures.is_dir():
            # As many of the account's lengths, evenly spread over all of them, so that the two can be compared.
            places = (np.arange(len(tweets)) + 0.5) / len(tweets)
            theirs = np.quantile(self.account.lengths, places, method="nearest").astype(np.int64)
            ours = np.array([weighted_length(tweet) for tweet in tweets])
            title = f"Characters per tweet: {len(tweets):,} written by the model, and the account's"
            write_histogram(figures / "lengths.png", {"the account's": theirs, "written": ours}, title, "characters")

    def _heard(self, texts: Sequence[str]) -> Heard:
        return heard(self.network, self.tokenizer, texts, carries=self.carries)

    def _count(self, texts: Sequence[str], whole: Heard) -> None:
        self._sum("nats").update(whole.nats.sum())
        self._sum("tokens").update(len(whole.nats))
        self._sum("untold").update(sum(map(self.tokenizer.untold_bits, texts)))
        self._sum("characters").update(sum(map(characters, texts)))

    def _log_sums(self, stage: Literal["val", "test"]) -> None:
        sums = Told(*(self._sum(name).compute() for name in Told._fields))
        found = {
            "loss": sums.nats / sums.tokens,
            "perplexity": sums.perplexity,
            "bits_per_char": sums.bits_per_char,
        }
        if stage == "test" and self._memory is not None:
            found["bits_per_char_cached"] = sums._replace(nats=self._sum("cached").compute()).bits_per_char
            self._memory = None
        for metric in self.sums.values():
            assert isinstance(metric, SumMetric)
            metric.reset()
        for name, value in found.items():
            self.log(f"{stage}_{name}", value.float(), prog_bar=name == "bits_per_char")

    def _sum(self, name: str) -> SumMetric:
        metric = self.sums[name]
        assert isinstance(metric, SumMetric)
        return metric

    def tell(self, texts: Sequence[str]) -> Told:
        """What the model says of each of some cleaned texts, read from zeros on."""
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                return told(self.network, self.tokenizer, texts)
        finally:
            self.train(training)

    def predict_step(self, batch: list[str], batch_idx: int) -> dict[str, list[str] | Tensor]:
        """Each text, how many tokens it has, and how well the model knows it: perplexity and bits per character."""
        told = self.tell([clean(text, self.rules) for text in batch])
        return {
            "text": list(batch),
            "tokens": told.tokens - 1,
            "perplexity": told.perplexity,
            "bits_per_char": told.bits_per_char,
        }

    # Writing

    def write(
        self,
        count: int,
        sampling: Sampling,
        *,
        seed: int,
        prompt: str | None = None,
        refused: Callable[[str], bool] | None = None,
        limit: int = LIMIT,
        progress: Callable[[int], None] | None = None,
    ) -> list[str]:
        """New tweets; see ``sampling.generate``. The prompt is cleaned as the training tweets were."""
        cleaned = None if prompt is None else clean(prompt, self.rules)
        return generate(
            self.network,
            self.tokenizer,
            self.account,
            count,
            sampling,
            generator=torch.Generator().manual_seed(seed),
            prompt=cleaned,
            refused=refused,
            limit=limit,
            progress=progress,
        )

    # Checkpoints

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        checkpoint[STATE] = {
            "tokenizer": self.tokenizer.state(),
            "account": self.account.state(),
            "rules": list(self.rules),
            "carries": self.carries,
            "carried": self._gathered(),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Builds the network for the tokens it was trained on.

        Raises:
            RunError: the network is built already, for other tokens.
        """
        state = checkpoint[STATE]
        tokenizer = from_state(state["tokenizer"])
        if not hasattr(self, "network"):
            self._build(tokenizer, Account.from_state(state["account"]), state["rules"], state["carries"])
        elif tokenizer.state() != self.tokenizer.state():
            raise RunError(
                f"the checkpoint was trained on {tokenizer.size:,} tokens, the data give {self.tokenizer.size:,} or "
                "others. Give the data it was trained on, or train anew."
            )
        self._state = self._own(state["carried"])

    def _gathered(self) -> list[list[Tensor]]:
        """The carried state of the readers of all processes, in their order: layer by layer hidden and cell."""
        if self._state is None:
            return []
        parts: list[list[Tensor]] = []
        for layer in self._state:
            parts.append([])
            for tensor in layer:
                each = self.all_gather(tensor) if self.trainer.world_size > 1 else tensor[None]
                assert isinstance(each, Tensor)
                # process 1 column dim -> 1 (column process) dim: process r has readers r, r + n, ...
                parts[-1].append(each.movedim(0, 2).flatten(1, 2).cpu())
        return parts

    def _own(self, gathered: list[list[Tensor]]) -> State | None:
        """This process's share of a carried state."""
        if not gathered or self._trainer is None:
            return None
        rank, processes = self.trainer.global_rank, self.trainer.world_size
        layers = [[tensor[:, rank::processes] for tensor in layer] for layer in gathered]
        return tuple((hidden.contiguous(), cell.contiguous()) for hidden, cell in layers)
