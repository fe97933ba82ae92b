"""The test accuracy on the last words of each review: `python -m plots.reference.short_reviews NETWORK.keras`.

An IMDB network has learned from reviews that nearly all fill its 100 places; how does it read twenty words? The reviews
are cut to their last words and then begin with the start marker, as `common.ask` puts it.
"""

import sys
from pathlib import Path

import numpy as np

from common.arrays import pad
from common.ask import open_network
from common.corpus import Source
from common.data import load_imdb
from common.words import START


def main() -> None:
    """Print a Markdown table, and how many reviews of the training fill all places."""
    network = open_network(Path(sys.argv[1]))
    num_words = network.model.layers[0].input_dim
    (x_train, _), (x_test, y_test), _ = load_imdb(Source("keras"), num_words)
    print("| last words | test accuracy |\n| --- | --- |")
    for length in (network.length, 50, 20, 10):
        cut = [last_words(text, length) for text in x_test]
        probabilities = network.model.predict(pad(cut, network.length), batch_size=500, verbose=0)[:, 0]
        print(f"| {length} | {np.mean((probabilities > 0.5) == y_test):.4f} |")
    full = [len(text) >= network.length for text in x_train]
    print(f"\nTraining reviews that fill all places: {np.mean(full):.3f}")


def last_words(text: np.ndarray, length: int) -> np.ndarray:
    """Return the text's last words behind the start marker, or all of it if it is short."""
    if len(text) <= length:
        return text
    return np.append(START, text[-length:])


if __name__ == "__main__":
    main()
