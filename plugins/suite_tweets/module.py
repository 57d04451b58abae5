"""How tweets are learnt: cross-entropy of the next token, measured in bits per character on tweets held out."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from inspect import signature
from pathlib import Path
from typing import Any, Literal, Self

import torch
from pytorch_lightning import LightningModule
from pytorch_lightning.trainer.states import TrainerFn
from pytorch_lightning.utilities import rank_zero_info, rank_zero_warn
from pytorch_lightning.utilities.types import OptimizerLRScheduler
from torch import Tensor
from torch.nn import functional
from torchmetrics import MeanMetric

from lightning_suite.constraints import check
from lightning_suite.errors import RunError, SuiteError, UsageError
from lightning_suite.exporting.exportable import Exportable
from lightning_suite.fused_steps import fused_if_possible
from lightning_suite.progress import progress
from suite_tweets.account import Account
from suite_tweets.batches import Batch, padded
from suite_tweets.cleaning import RULE_SETS, clean
from suite_tweets.constraints import CONSTRAINTS, check_together
from suite_tweets.counting import NGrams
from suite_tweets.division import Parts
from suite_tweets.dynamic import Dynamic
from suite_tweets.exporting import Step, exportable
from suite_tweets.going_on import GoingOn
from suite_tweets.mixture import CountingOn, Mixture, Predicted, combined, fitted_gate, initial_gate
from suite_tweets.network import LanguageModel
from suite_tweets.pictures import write_lengths
from suite_tweets.quality import measures
from suite_tweets.samples import write_samples
from suite_tweets.scoring import TextScores, TokenScores, score_texts, score_tokens
from suite_tweets.spelling import SpellingName
from suite_tweets.state import Reader, State, detached, gathered, of_process
from suite_tweets.sums import Sums
from suite_tweets.tokens import Digits, Tokenizer, from_state, learn, with_digits
from suite_tweets.writing.generating import LIMIT, generate
from suite_tweets.writing.sampling import Sampling

STATE = "tweets"
"""Where a checkpoint holds what is neither a weight nor a setting: tokens, rules of cleaning, lengths, first words, and
the tweets that n-grams were counted in."""

NETWORK = [name for name, of in signature(LanguageModel).parameters.items() if of.kind == of.KEYWORD_ONLY]
"""Settings that are the network's."""


class TweetModel(LightningModule):
    """A language model of the tweets of one account: an LSTM trained by cross-entropy, n-grams, or both.

    The defaults are the paper's network without dropout (section 6), whose sizes it does not give.

    Args:
        predictor: network; ngram, Kneser-Ney counts of the training tweets in its place (``counting``); or mixture, the
            two weighed by context (``mixture``). A test of the latter two measures a second time, with counts that go
            on from tweet to tweet.
        ngram_order: tokens of the longest n-grams.
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
        learning_rate: of the optimizer, its highest.
        schedule: constant, or cosine: down to zero over the whole training.
        weight_decay: of the optimizer.
        cache: tokens in the cache with which a test measures a second time (``memory``); 0: no cache.
        dynamic: learning rate with which the network goes on learning in that second measure, from every tweet once it
            is predicted (``dynamic``); 0: it does not.
        sample_every: epochs between sample tweets, which go to samples.txt, after the last epoch too; 0: none.
        samples: how many sample tweets are written at a time.
        generated: tweets that a test writes to measure copying, variety and lengths.
        temperature: of the tweets that training, testing and ``suite generate`` write.
        top_p: of these tweets a token is drawn from the fewest whose probabilities add up to this.

    Raises:
        UsageError: no network can be built, or trained, with these.

    Example:
        >>> TweetModel(hidden_dim=16, output_dropout=1.2)
        Traceback (most recent call last):
        lightning_suite.errors.UsageError: --model.output_dropout: expected a number from 0 to below 1, got 1.2
    """

    tokenizer: Tokenizer
    account: Account
    rules: tuple[str, ...]
    carries: bool

    gate: Tensor  # of the predictors, where there are several

    def __init__(
        self,
        *,
        predictor: Literal["network", "ngram", "mixture"] = "network",
        ngram_order: int = 3,
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
        dynamic: float = 0.0,
        sample_every: int = 10,
        samples: int = 5,
        generated: int = 500,
        temperature: float = 1.0,
        top_p: float = 1.0,
    ) -> None:
        super().__init__()
        self.save_hyperparameters()
        check(CONSTRAINTS, self.hparams, where="--model.")
        check_together(predictor, cache, dynamic)
        self.automatic_optimization = predictor != "ngram"  # which has no parameter to optimize
        self.sampling: Sampling = Sampling(temperature=temperature, top_p=top_p)
        self._state: State | None = None
        self._going_on: GoingOn | None = None  # learning, from the tweets before each that is tested
        self._validated: list[str] = []
        self._predicted: Predicted | None = None  # of these

    def configure_model(self) -> None:
        """Build the network for the tokens of the data it is to learn from."""
        fitting = self._trainer is not None and self.trainer.state.fn == TrainerFn.FITTING
        if hasattr(self, "tokenizer") or not fitting:
            return  # it is there, or will be built from a checkpoint
        data = getattr(self.trainer, "datamodule", None)
        if data is None:
            raise UsageError(
                "the network is built for tokens, which loaders do not name: before fit, call learn_tokens(texts) with "
                "the training texts"
            )
        self._build(data.tokenizer, data.account, data.rules, data.training_set == "stream", data.learnt)

    def learn_tokens(
        self,
        texts: Sequence[str],
        *,
        tokens: Literal["words", "bpe"] = "words",
        vocabulary_size: int | None = None,
        digits: Digits = "kept",
        spelling: SpellingName = "witten-bell",
        cleaning: Literal["paper", "modern", "none"] | Sequence[str] = "none",
    ) -> Self:
        """Build the network for the tokens of training texts; a data module does so by itself.

        Then batches of any loader are taken that are lists of texts.

        Args:
            texts: of the account.
            tokens: as ``TweetData`` has it, which explains the other arguments too.

        Raises:
            UsageError: there is nothing to learn with these arguments.

        Example:
            >>> model = TweetModel(hidden_dim=8).learn_tokens(["the rocket flies", "the crew flies"])
            >>> model.tokenizer.size
            6
        """
        rules = RULE_SETS[cleaning] if isinstance(cleaning, str) else tuple(cleaning)
        cleaned = [clean(text, rules) for text in texts]
        tokenizer = learn(cleaned, tokens, vocabulary_size, digits, spelling)
        self._build(tokenizer, Account.of(cleaned), rules, carries=False, counted=cleaned)
        return self

    def _build(
        self,
        tokenizer: Tokenizer,
        account: Account,
        rules: Sequence[str],
        carries: bool,
        counted: Sequence[str] = (),
    ) -> None:
        self.tokenizer, self.account, self.rules, self.carries = tokenizer, account, tuple(rules), carries
        self.train_loss: MeanMetric = MeanMetric()
        self.sums: Sums = Sums()
        predictor, order = self.hparams["predictor"], self.hparams["ngram_order"]
        self.network: LanguageModel | None = None if predictor == "ngram" else self._network(tokenizer)
        self.ngrams: NGrams | None = None if predictor == "network" else NGrams(counted, tokenizer, order)
        self._counted = [*counted]  # what it takes to count again
        if self.ngrams is not None:
            self.register_buffer("gate", initial_gate(self.network, self.ngrams))

    def _network(self, tokenizer: Tokenizer) -> LanguageModel:
        chosen = {name: self.hparams[name] for name in NETWORK}
        chosen["embedding_dim"] = chosen["embedding_dim"] or chosen["hidden_dim"]
        return LanguageModel(tokenizer.size, tokenizer.once, **chosen)

    def configure_optimizers(self) -> OptimizerLRScheduler:
        if self.network is None:
            return []
        kind = {"adam": torch.optim.Adam, "adamw": torch.optim.AdamW}[self.hparams["optimizer"]]
        rate, decay = self.hparams["learning_rate"], self.hparams["weight_decay"]
        optimizer: torch.optim.Optimizer = kind(
            self.parameters(), lr=rate, weight_decay=decay, fused=fused_if_possible(self)
        )
        if self.hparams["schedule"] == "constant":
            return optimizer
        steps = int(self.trainer.estimated_stepping_batches)
        cosine = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=max(steps, 1))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": cosine, "interval": "step"}}

    # Training

    def forward(self, tokens: Tensor, state: State) -> tuple[Tensor, State]:
        """Return logits (time, batch, token) of the token after each of (time, batch), and the state after the last."""
        assert self.network is not None
        logits, after = self.network(tokens, state)
        return logits, after

    def training_step(self, batch: Batch | Sequence[str], batch_idx: int) -> Tensor | None:
        """Return the loss; none for n-grams, which are counted when they are built.

        Args:
            batch: of the data module; or of another loader texts, each of which is read by itself.
        """
        if self.network is None:
            return None
        if not isinstance(batch, Batch):
            tokens, targets, _ = padded([self.tokenizer.encode(clean(text, self.rules)) for text in batch])
            batch = Batch(tokens.to(self.device), targets.to(self.device), goes_on=False)
        state = self.network.initial_state(batch.tokens.shape[1])
        if batch.goes_on and self._state is not None:  # from a checkpoint it comes on the CPU
            state = tuple((hidden.to(self.device), cell.to(self.device)) for hidden, cell in self._state)
        logits, after = self(batch.tokens, state)
        self._state = detached(after) if self.carries else None
        loss = functional.cross_entropy(logits.flatten(0, 1), batch.targets.flatten())
        self.train_loss.update(loss.detach(), (batch.targets >= 0).sum())
        return loss

    def on_train_epoch_end(self) -> None:
        """Log the loss of the epoch, and write sample tweets every so many and after the last (section 8)."""
        if self.network is not None:
            self.log("train_loss", self.train_loss, prog_bar=True)
        every, epoch = self.hparams["sample_every"], self.current_epoch + 1
        if not every or (epoch % every and epoch != self.trainer.max_epochs):
            return
        folder = Path(self.trainer.default_root_dir)  # log_dir would ask process 0, which may do something else
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
        network = self._score_tokens(batch)
        if self.ngrams is None:
            assert network is not None
            self.sums.add(batch, network.nats, self.tokenizer)
            return
        self._validated += batch
        predicted = combined(network, self.ngrams.scores(batch))
        self._predicted = self._predicted.and_then(predicted) if self._predicted is not None else predicted

    def on_validation_epoch_end(self) -> None:
        """Log the measures; in training choose the weights of the predictors first, on these texts."""
        if self._predicted is not None:
            if self.trainer.state.fn == TrainerFn.FITTING:
                self.gate.copy_(fitted_gate(self._predicted))
            self.sums.add(self._validated, self._predicted.mixed(self.gate.cpu()), self.tokenizer)
        self._validated, self._predicted = [], None
        self._log_sums("val")

    def on_test_start(self) -> None:
        """Read the tweets before those that are tested, and choose on them how a cache, and counting on, weigh."""
        parts = self._parts()
        if parts is None:
            return
        if known := sum(map(self.account.knows, parts.test)):
            rank_zero_warn(
                f"{known:,} of {len(parts.test):,} tested tweets were trained on, which flatters the model: the file, "
                "or how it is divided, has changed since"
            )
        if self.ngrams is not None or (self.network is not None and self.hparams["cache"]):
            with progress("weighing what goes on learning, by the validation tweets"):
                self._going_on = GoingOn(
                    self._score_tokens,
                    parts.train,
                    parts.validation,
                    window=self.hparams["cache"],
                    dynamic=self._dynamic(),
                    counting=self._counting_on(parts.validation, parts.test),
                )

    def _parts(self) -> Parts | None:
        """Return the tweets of a data module of ours; None beside other loaders, which have no training tweets."""
        parts: Parts | None = getattr(getattr(self.trainer, "datamodule", None), "parts", None)
        return parts

    def _dynamic(self) -> Dynamic | None:
        """Return a network that goes on learning, where one is to."""
        rate = self.hparams["dynamic"]
        return Dynamic(self.network, self.tokenizer, rate, carries=self.carries) if self.network and rate else None

    def _counting_on(self, validation: Sequence[str], to_come: Sequence[str]) -> CountingOn | None:
        """Return n-grams that go on counting, where there are any."""
        if self.ngrams is None:
            return None
        order = self.hparams["ngram_order"]
        return CountingOn(self._counted, self.tokenizer, order, validation=validation, to_come=to_come)

    def test_step(self, batch: list[str], batch_idx: int) -> None:
        network = self._score_tokens(batch)
        self.sums.add(batch, self._mixed(batch, network), self.tokenizer)
        if self._going_on is not None:
            self.sums.add_counting_on(self._going_on.nats(batch, network))

    def on_test_epoch_end(self) -> None:
        """Log the measures of what was held out, and of tweets that the model writes, of lengths of its own."""
        self._log_sums("test")
        parts = self._parts()
        if parts is None:
            return
        self._going_on = None
        free = replace(self.account, lengths=())
        try:
            generator = torch.Generator().manual_seed(0)
            count = self.hparams["generated"]
            with progress("writing", total=count, unit="tweets") as advance:
                tweets = generate(
                    self.reader, self.tokenizer, free, count, self.sampling, generator=generator, progress=advance
                )
        except SuiteError as error:
            rank_zero_warn(f"copying, variety and lengths are not measured: {error}")
            return
        train, test = (
            [with_digits(text, self.tokenizer.digits) for text in part] for part in (parts.train, parts.test)
        )
        for name, value in measures(tweets, train, self.account.lengths, test).items():
            self.log(f"test_{name}", value)
        figures = Path(self.trainer.default_root_dir) / "figures"
        if self.trainer.is_global_zero and figures.is_dir():
            write_lengths(figures / "lengths.png", self.account.lengths, tweets)

    def _score_tokens(self, texts: Sequence[str], *, carries: bool | None = None) -> TokenScores | None:
        if self.network is None:
            return None
        chosen = self.carries if carries is None else carries
        return score_tokens(self.network, self.tokenizer, texts, carries=chosen, sure=self.ngrams is not None)

    def _mixed(self, texts: Sequence[str], network: TokenScores | None) -> Tensor:
        """Return -ln p of each token by all predictors, from the network's scores."""
        if self.ngrams is not None:
            return combined(network, self.ngrams.scores(texts)).mixed(self.gate.cpu())
        assert network is not None
        return network.nats

    def _log_sums(self, stage: Literal["val", "test"]) -> None:
        counting_on = stage == "test" and self._going_on is not None
        for name, value in self.sums.measures(counting_on=counting_on).items():
            self.log(f"{stage}_{name}", value, prog_bar=name == "bits_per_char")

    def score(self, texts: Sequence[str]) -> TextScores:
        """Return how well the model predicts each of some cleaned texts, each read from a state of zeros."""
        training = self.training
        self.eval()
        try:
            with torch.inference_mode():
                nothing = torch.empty(0, dtype=torch.float64)
                nats = self._mixed(texts, self._score_tokens(texts, carries=False)) if texts else nothing
                return score_texts(nats, self.tokenizer, texts)
        finally:
            self.train(training)

    def predict_step(self, batch: list[str], batch_idx: int) -> dict[str, list[str] | Tensor]:
        """Return each text, its number of tokens, and its perplexity and bits per character."""
        scores = self.score([clean(text, self.rules) for text in batch])
        return {
            "text": list(batch),
            "tokens": scores.tokens - 1,
            "perplexity": scores.perplexity,
            "bits_per_char": scores.bits_per_char,
        }

    def exportable(self) -> Exportable:
        """Return what ``suite export`` writes: one step of the network.

        Raises:
            UsageError: there is no network.
        """
        if self.network is None:
            raise UsageError("--model.predictor ngram has no export: counts of n-grams are no tensors")
        beside = "the n-grams of the mixture, " if self.ngrams is not None else ""
        beside += "the cache, " if self.hparams["cache"] else ""
        spelled = [self.tokenizer.decode([token]) for token in range(self.tokenizer.size)]
        left_out = f"{beside}splitting text into tokens, which the metadata spell, and drawing the next one"
        return exportable(Step.of(self.network), self.network, spelled, left_out)

    # Writing

    @property
    def reader(self) -> Reader:
        """What reads and writes: the network, or the mixture."""
        if self.ngrams is not None:
            return Mixture(self.network, self.ngrams, self.gate, self.tokenizer.escape)
        assert self.network is not None
        return self.network

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
        """Return new tweets; see ``generating.generate``. The prompt is cleaned as the training tweets were."""
        cleaned = None if prompt is None else clean(prompt, self.rules)
        return generate(
            self.reader,
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
            **({} if self.ngrams is None else {"counted": self._counted}),
        }

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        """Build the network for the tokens it was trained on.

        Raises:
            RunError: the network is built already, for other tokens.
        """
        for process in checkpoint.get("processes", []):  # runs up to release 0.1 call oov_bits untold
            if "sums.untold" in process["metrics"]:
                process["metrics"]["sums.oov_bits"] = process["metrics"].pop("sums.untold")
        state = checkpoint[STATE]
        tokenizer = from_state(state["tokenizer"])
        if not hasattr(self, "tokenizer"):
            account, counted = Account.from_state(state["account"]), state.get("counted", [])
            self._build(tokenizer, account, state["rules"], state["carries"], counted)
        elif tokenizer.state() != self.tokenizer.state():
            raise RunError(
                f"the checkpoint was trained on {tokenizer.size:,} tokens, the data give {self.tokenizer.size:,} or "
                "others. Give the data it was trained on, or train anew."
            )
        self._state = self._own(state["carried"])

    def _gathered(self) -> list[list[Tensor]]:
        """Return the carried state of the readers of all processes, or nothing where no state is carried."""
        if self._state is None:
            return []

        def all_gather(tensor: Tensor) -> Tensor:
            together = self.all_gather(tensor) if self.trainer.world_size > 1 else tensor[None]
            assert isinstance(together, Tensor)
            return together

        return gathered(self._state, all_gather)

    def _own(self, gathered: list[list[Tensor]]) -> State | None:
        """Return this process's share of a carried state."""
        if not gathered or self._trainer is None:
            return None
        return of_process(gathered, self.trainer.global_rank, self.trainer.world_size)
