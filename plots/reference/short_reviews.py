"""The test accuracy on the last words of each review: `python -m plots.reference.short_reviews NETWORK.keras`.

An IMDB network has learned from reviews that nearly all fill its 100 places; how does it read twenty words? The reviews
are cut to their last words and then begin with the start marker, as `common.ask` puts it.
"""

import sys

import keras
import numpy as np

from plots.reference.forgetting import accuracy
from plots.reference.measure import load

model = keras.models.load_model(sys.argv[1], compile=False)
_, test = load("imdb_cnn_lstm", model)
print("| last words | test accuracy |\n| --- | --- |")
for num_words in (100, 50, 20, 10):
    print(f"| {num_words} | {accuracy(model, test, np.zeros((len(test[0]), 0), int), num_words):.4f} |")
