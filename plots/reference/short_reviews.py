"""The test accuracy on the last words of each review: `python -m plots.reference.short_reviews NETWORK.keras`.

An IMDB network has learned from reviews that nearly all fill its 100 places; how does it read twenty words? The reviews
are cut to their last words and then begin with the start marker, as `common.ask` puts it.
"""

import sys
from pathlib import Path

import numpy as np

from common.arrays import pad
from common.ask import open_network
from common.data import load_imdb
from common.words import START


def main() -> None:
    """Print a Markdown table, and how many reviews of the training fill all places."""
    network = open_network(Path(sys.argv[1]))
    num_words = network.model.layers[0].input_dim
    (x_train, _), (x_test, y_test), _ = load_imdb("keras", num_words)
    print("| last words | test accuracy |\n| --- | --- |")
    for length in (network.length, 50, 20, 10):
        cut = [text if len(text) <= length else [START, *text[1:][-length:]] for text in x_test]
        probabilities = network.model.predict(pad(cut, network.length), batch_size=500, verbose=0)[:, 0]
        print(f"| {length} | {np.mean((probabilities > 0.5) == y_test):.4f} |")
    print(f"\nTraining reviews that fill all places: {np.mean([len(text) >= network.length for text in x_train]):.3f}")


if __name__ == "__main__":
    main()
