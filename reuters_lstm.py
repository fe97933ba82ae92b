"""Which of 46 topics is a news article about? An LSTM reads its last 100 words and answers.

The first experiment of a Korean article for learners, step by step in the article's order: load the data, look at
them, pad, encode, build, compile, train, evaluate, plot. With the defaults, on Reuters news: 0.69 to 0.73 test
accuracy, by seed and processor, in two minutes on two cores. What the article does not have is one object, `run`,
which reads the command line and keeps what is trained: at first, read `run.fit` as `model.fit`.
"""

from common.run import Run

# The settings. All are the article's.
VOCABULARY_SIZE = 1000  # word numbers 0 to 999; every rarer word becomes 2, "unknown"
TEST_SPLIT = 0.2  # share of the articles that is kept for the test
ARTICLE_LENGTH = 100  # words that the network reads of an article: the last ones
EMBEDDING_SIZE = 100  # numbers that stand for a word, learned, instead of 1000 zeros and ones
LSTM_UNITS = 100  # numbers that the network remembers from word to word
EPOCHS = 20  # the test loss is lowest in epochs 15 to 20
BATCH_SIZE = 100  # articles for each step of the training

run = Run("reuters_lstm", __doc__, EPOCHS, BATCH_SIZE)  # before Keras is imported, which takes seconds

import keras
from keras import layers

from common.arrays import one_hot, pad
from common.curve import draw_curve
from common.data import load_reuters

# Load the data. Each word is already a number: 4 the most frequent, 1 the start of the article, 2 unknown.
(x_train, y_train), (x_test, y_test), corpus = load_reuters(run.data, VOCABULARY_SIZE, TEST_SPLIT)

# Look at them.
print(f"Data: {corpus.name}")
num_topics = len(corpus.labels)  # 46, whatever topics occur in the test set
print(f"{num_topics} labels")
print(f"{len(x_train)} training texts\n{len(x_test)} test texts")
print(f"The first text: {x_train[0][:300].tolist()}")
print(f"In words: {corpus.text(x_train[0][:300])}")
print(f"Its label: {corpus.labels[y_train[0]]}")

# Pad: all articles to the same length, the short ones with zeros in front.
x_train = pad(x_train, ARTICLE_LENGTH)
x_test = pad(x_test, ARTICLE_LENGTH)
print(f"Padded: {x_train.shape}, the first text begins {x_train[0, :3]} and ends {x_train[0, -3:]}")

# Encode the topics one-hot.
y_train = one_hot(y_train, num_topics)
y_test = one_hot(y_test, num_topics)
print(f"One-hot: {y_train.shape}, the first label is all zeros but a 1 at place {y_train[0].argmax()}")

# Build the model.
model = keras.Sequential()
model.add(keras.Input((ARTICLE_LENGTH,), dtype="int32"))  # not in the article: without it, the summary has no shapes
model.add(layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE))
model.add(layers.LSTM(LSTM_UNITS, activation="tanh"))
model.add(layers.Dense(num_topics, activation="softmax"))
model.summary()

# Compile it.
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

# Train it, and look at the test set after each epoch.
history = run.fit(
    model, x_train, y_train,
    epochs=run.epochs, batch_size=run.batch_size, validation_data=(x_test, y_test),
    corpus=corpus,
)  # fmt: skip

# Evaluate it on the test set.
test_loss, test_accuracy = model.evaluate(x_test, y_test, verbose=0)
print(f"\nTest loss      {test_loss:.4f}\nTest accuracy  {test_accuracy:.4f}")

# Plot the test loss in red and the training loss in blue, and save what the run gave.
run.finish(draw_curve(history, run.title))
