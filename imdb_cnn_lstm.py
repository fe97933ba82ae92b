"""Is a film review positive or negative? A convolution, then an LSTM, read its last 100 words and answer.

The second experiment of a Korean article for learners, step by step in the article's order: load the data, look at
them, pad, build, compile, train, evaluate, plot. (The article's program neither looks at the data nor evaluates.)
With the defaults, on IMDB reviews: 0.85 test accuracy, in one minute on two cores. What the article does not have is
one object, `run`, which reads the command line and keeps what is trained: at first, read `run.fit` as `model.fit`.
"""

from common.run import Run

# The settings. All are the article's.
VOCABULARY_SIZE = 5000  # word numbers 0 to 4999; every rarer word becomes 2, "unknown"
REVIEW_LENGTH = 100  # words that the network reads of a review: the last ones
EMBEDDING_SIZE = 100  # numbers that stand for a word, learned, instead of 5000 zeros and ones
DROPOUT = 0.5  # share of these numbers that is hidden at random in each training step, against overfitting
FILTERS = 64  # patterns that the convolution looks for
FILTER_LENGTH = 5  # words that a pattern spans
POOL_LENGTH = 4  # neighbouring values of which only the largest is kept: the LSTM then reads 24 steps, not 100
LSTM_UNITS = 100  # numbers that the network remembers from step to step
EPOCHS = 5  # more than it needs: the test loss is lowest after two or three
BATCH_SIZE = 100  # reviews for each step of the training

run = Run("imdb_cnn_lstm", __doc__, EPOCHS, BATCH_SIZE)  # before Keras is imported, which takes seconds

import keras
from keras import layers

from common.arrays import pad
from common.curve import draw_curve
from common.data import load_imdb

# Load the data. Each word is already a number: 4 the most frequent, 1 the start of the review, 2 unknown.
(x_train, y_train), (x_test, y_test), corpus = load_imdb(run.data, VOCABULARY_SIZE)

# Look at them.
print(f"Data: {corpus.name}")
print(f"{len(x_train)} training texts\n{len(x_test)} test texts")
print(f"The first text: {x_train[0][:300].tolist()}")
print(f"In words: {corpus.text(x_train[0][:300])}")
print(f"Its label: {corpus.labels[y_train[0]]}")

# Pad: all reviews to the same length, the short ones with zeros in front. The labels stay: 0 negative, 1 positive.
x_train = pad(x_train, REVIEW_LENGTH)
x_test = pad(x_test, REVIEW_LENGTH)
print(f"Padded: {x_train.shape}, the first text begins {x_train[0, :3]} and ends {x_train[0, -3:]}")

# Build the model.
model = keras.Sequential()
model.add(keras.Input((REVIEW_LENGTH,), dtype="int32"))  # not in the article: without it, the summary has no shapes
model.add(layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE))
model.add(layers.Dropout(DROPOUT))
model.add(layers.Conv1D(FILTERS, FILTER_LENGTH, padding="valid", activation="relu", strides=1))
model.add(layers.MaxPooling1D(POOL_LENGTH))
model.add(layers.LSTM(LSTM_UNITS, activation="tanh"))
model.add(layers.Dense(1))
model.add(layers.Activation("sigmoid"))
model.summary()

# Compile it.
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

# Train it, and look at the test set after each epoch.
history = run.fit(
    model, x_train, y_train,
    epochs=run.epochs, batch_size=run.batch_size, validation_data=(x_test, y_test),
    corpus=corpus,
)  # fmt: skip

# The last epoch has just evaluated it on the test set.
print(f"\nTest loss      {history['val_loss'][-1]:.4f}\nTest accuracy  {history['val_accuracy'][-1]:.4f}")

# Plot the test loss in red and the training loss in blue, and save what the run gave.
run.finish(draw_curve(history, run.title))
