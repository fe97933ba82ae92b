"""The test accuracy on the last words of each review: `python -m plots.reference.short_reviews NETWORK.keras`.

An IMDB network has learned from reviews that nearly all fill its 100 places; how does it read twenty words? The reviews
are cut to their last words and then begin with the start marker, where it has room, as `common.ask` puts it.
"""

import sys

import keras
import numpy as np

from plots.reference.forgetting import answers, with_foreign
from plots.reference.measure import load

model = keras.models.load_model(sys.argv[1], compile=False)
_, (x_test, y_test) = load("imdb_cnn_lstm", model)
no_words = np.zeros((len(x_test), 0), int)
print("| last words | test accuracy |\n| --- | --- |")
for num_words in (100, 50, 20, 10):
    given = answers(model, with_foreign(x_test, no_words, 0, num_words))
    print(f"| {num_words} | {np.mean(given == y_test):.4f} |")
