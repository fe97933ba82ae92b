"""Is a film review positive or negative? A convolution, then an LSTM, read its last 100 words and answer.

The second experiment of a Korean article for learners, step by step in the article's order: load the data, look at
them, pad, build, compile, train, evaluate, plot. (The article's program neither looks at the data nor evaluates.)
With the defaults, on IMDB reviews: 0.85 test accuracy, in one minute on two cores. What ends in `# +` is not in the
article: skip it at first.
"""

from common.options import read_options  # +
from common.process import set_up_process  # +

# The settings. All are the article's.
VOCABULARY_SIZE = 5000  # word numbers 0 to 4999; every rarer word becomes 2, "unknown"
REVIEW_LENGTH = 100  # words that the network reads of a review: the last ones
EMBEDDING_SIZE = 100  # numbers that stand for a word, learned, instead of 5000 zeros and ones
DROPOUT = 0.5  # share of these numbers that is hidden at random in each training step, against overfitting
FILTERS = 64  # patterns that the convolution looks for
FILTER_LENGTH = 5  # words that a pattern spans
POOL_LENGTH = 4  # neighbouring finds of which only the strongest is kept: the LSTM then reads 24 steps, not 100
LSTM_UNITS = 100  # numbers that the network remembers from step to step
EPOCHS = 5  # more than it needs: the test loss is lowest after two or three
BATCH_SIZE = 100  # reviews for each step of the training

# Read the options before Keras is imported, which takes seconds: `--help` answers at once.
options = read_options("imdb_cnn_lstm", __doc__, EPOCHS, BATCH_SIZE, has_conv=True)  # +
print(f"Runs on: {set_up_process(one_thread=not options.conv)}")  # +

import keras
from keras import layers

from common.answers import report  # +
from common.arrays import batches, pad
from common.curve import draw_curve
from common.data import load_imdb
from common.run import Run  # +
from common.variants import vary  # +

# Load the data. Each word is already a number: 4 the most frequent, 1 the start of the review, 2 unknown.
(x_train, y_train), (x_test, y_test), corpus = load_imdb(options.data, VOCABULARY_SIZE)

# Look at them, which the article's program does not do.
print(f"Data: {corpus.name}")
print(f"{len(x_train)} training reviews\n{len(x_test)} test reviews")
print(f"The first review: {x_train[0][:300].tolist()}")
if corpus.words:  # +
    print(f"In words: {' '.join(corpus.words[number] for number in x_train[0][:300])}")  # +
print(f"It is: {corpus.labels[y_train[0]]}")

# Pad: all reviews to the same length. The labels stay as they are: 0 negative, 1 positive.
x_train = pad(x_train, REVIEW_LENGTH)
x_test = pad(x_test, REVIEW_LENGTH)
print(f"Padded: {x_train.shape}, the first review begins {x_train[0, :3]} and ends {x_train[0, -3:]}")  # +

# Build the model. The seed determines its first weights, the dropout and the order of the batches.
keras.utils.set_random_seed(options.seed)  # +
model = keras.Sequential()
model.add(keras.Input((REVIEW_LENGTH,), dtype="int32"))  # + (without it, the summary would show no shapes)
model.add(layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE))
model.add(layers.Dropout(DROPOUT))
model.add(layers.Conv1D(FILTERS, FILTER_LENGTH, padding="valid", activation="relu", strides=1))
model.add(layers.MaxPooling1D(POOL_LENGTH))
model.add(layers.LSTM(LSTM_UNITS, activation="tanh"))
model.add(layers.Dense(1))
model.add(layers.Activation("sigmoid"))
model, x_train, x_test = vary(model, x_train, x_test, options)  # +
model.summary()

# Compile it.
model.compile(loss="binary_crossentropy", optimizer="adam", metrics=["accuracy"])

# Train it, and look at the test set after each epoch. `run` keeps every finished epoch on the disk.
run = Run(options, corpus, model, x_train, y_train, x_test, y_test)  # +
test_batches = batches(x_test, y_test)
with run:  # +
    model.fit(
        batches(x_train, y_train, options.batch_size, options.seed, skip=run.initial_epoch),
        epochs=options.epochs,
        initial_epoch=run.initial_epoch,  # +
        validation_data=test_batches,
        callbacks=[run],  # +
        shuffle=False,  # + (`batches` has done it)
        verbose=options.verbose,  # +
    )

# Evaluate it on the test set, which the article's program does not do: the last epoch has just done it.
test_loss, test_accuracy = run.history["val_loss"][-1], run.history["val_accuracy"][-1]
print(f"\nTest loss      {test_loss:.4f}\nTest accuracy  {test_accuracy:.4f}")
print(report(model.predict(test_batches, verbose=0), y_train, y_test, corpus.labels))  # +

# Plot the test loss in red and the training loss in blue, and save what the run gave.
run.finish(draw_curve(run.history, run.title))
