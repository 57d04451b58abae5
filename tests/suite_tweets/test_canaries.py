"""Made-up texts that are planted among the training tweets."""

from collections import Counter
from pathlib import Path
from types import SimpleNamespace

from suite_tweets.canaries import made_up, planted
from suite_tweets.data import TweetData
from suite_tweets.tokens import END

TEXTS = ["the rocket flies to the moon", "ракета летит"]


def test_canaries_are_words_of_the_texts_each_as_likely_as_any_other() -> None:
    words = Counter(word for text in made_up(TEXTS, 2000, words=4, seed=0) for word in text.split())
    assert set(words) == {"the", "rocket", "flies", "to", "moon", "ракета", "летит"}
    assert max(words.values()) < 1.15 * min(words.values())  # "the" too, which is there twice


def test_equal_seeds_make_equal_canaries_and_others_do_not() -> None:
    assert made_up(TEXTS, 5, words=8, seed=3) == made_up(TEXTS, 5, words=8, seed=3)
    assert made_up(TEXTS, 5, words=8, seed=3) != made_up(TEXTS, 5, words=8, seed=4)


def test_canaries_are_planted_so_many_times_in_turn() -> None:
    canaries = planted(TEXTS, 5, [1, 7], words=3, seed=0)
    assert [canary.times for canary in canaries] == [1, 7, 1, 7, 1]
    assert [canary.text for canary in canaries] == made_up(TEXTS, 5, words=3, seed=0)


def test_the_training_stream_has_each_canary_as_often_as_it_is_planted(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("".join(f"слово{i} и слово{i + 1}\n" for i in range(30)), encoding="utf-8")

    def trained_on(**options: object) -> tuple[TweetData, Counter[str]]:
        data = TweetData(str(tmp_path / "a.txt"), training_set="stream", batch_size=1, **options)  # type: ignore[arg-type]
        data.trainer = SimpleNamespace(current_epoch=0, world_size=1, global_rank=0)  # type: ignore[assignment]
        data.setup("fit")
        read = [token for batch in data.train_dataloader() for token in batch.targets[:, 0].tolist()]
        texts = "|".join("" if token == END else data.tokenizer.decode([token]) for token in read).split("||")
        return data, Counter(text.strip("|").replace("|", " ") for text in texts)

    plain, without = trained_on()
    data, texts = trained_on(canaries=3, canary_times=[2, 5])
    canaries = data.planted()
    assert [texts[canary.text] for canary in canaries] == [2, 5, 2]
    assert len(set(texts) - set(without)) == 3
    assert data.fingerprint != plain.fingerprint
    assert data.account == plain.account  # lengths and first words are the account's own
    assert (data.parts, data.tokenizer.state()) == (plain.parts, plain.tokenizer.state())


def test_canaries_are_as_long_as_a_window(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_text("раз два три\nчетыре пять\nшесть\n", encoding="utf-8")
    data = TweetData(str(tmp_path / "a.txt"), canaries=1, seq_length=12)
    data.setup("test")
    assert len(data.planted()[0].text.split()) == 12
