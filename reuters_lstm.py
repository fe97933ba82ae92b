"""Which of 46 topics is a news article about? An LSTM reads its last 100 words and answers.

The first experiment of a Korean article for learners, step by step in the article's order: load the data, look at
them, pad, encode, build, compile, train, evaluate, plot. With the defaults, on Reuters news: 0.69 to 0.73 test
accuracy, by the seed, in two minutes on two cores. What ends in `# +` is not in the article: skip it at first.
"""

from common.options import read_options  # +
from common.process import set_up_process  # +

# The settings. All are the article's.
VOCABULARY_SIZE = 1000  # word numbers 0 to 999; every rarer word becomes 2, "unknown"
TEST_SPLIT = 0.2  # share of the articles that is kept for the test
ARTICLE_LENGTH = 100  # words that the network reads of an article: the last ones
EMBEDDING_SIZE = 100  # numbers that stand for a word, learned, instead of 1000 zeros and ones
LSTM_UNITS = 100  # numbers that the network remembers from word to word
EPOCHS = 20  # the test loss is lowest in epochs 15 to 20
BATCH_SIZE = 100  # articles for each step of the training

# Read the options before Keras is imported, which takes seconds: `--help` answers at once.
options = read_options("reuters_lstm", __doc__, EPOCHS, BATCH_SIZE)  # +
print(f"Runs on: {set_up_process(one_thread=True)}")  # +

import keras
from keras import layers

from common.answers import report  # +
from common.arrays import batches, one_hot, pad
from common.curve import draw_curve
from common.data import load_reuters
from common.run import Run  # +
from common.variants import vary  # +

# Load the data. Each word is already a number: 4 the most frequent, 1 the start of the article, 2 unknown.
(x_train, y_train), (x_test, y_test), corpus = load_reuters(options.data, VOCABULARY_SIZE, TEST_SPLIT)

# Look at them.
print(f"Data: {corpus.name}")
num_topics = len(corpus.labels)  # 46, whatever topics occur in the test set
print(f"{num_topics} topics")
print(f"{len(x_train)} training articles\n{len(x_test)} test articles")
print(f"The first article: {x_train[0][:300].tolist()}")
if corpus.words:  # +
    print(f"In words: {' '.join(corpus.words[number] for number in x_train[0][:300])}")  # +
print(f"Its topic: {corpus.labels[y_train[0]]}")

# Pad: all articles to the same length. The zeros go in front: behind the words, the LSTM would forget these.
x_train = pad(x_train, ARTICLE_LENGTH)
x_test = pad(x_test, ARTICLE_LENGTH)
print(f"Padded: {x_train.shape}, the first article begins {x_train[0, :3]} and ends {x_train[0, -3:]}")  # +

# Encode the topics one-hot.
y_train = one_hot(y_train, num_topics)
y_test = one_hot(y_test, num_topics)
print(f"One-hot: {y_train.shape}, the first article's topic is all zeros but a 1 at place {y_train[0].argmax()}")  # +

# Build the model. The seed determines its first weights and the order of the batches.
keras.utils.set_random_seed(options.seed)  # +
model = keras.Sequential()
model.add(keras.Input((ARTICLE_LENGTH,), dtype="int32"))  # + (without it, the summary would show no shapes)
model.add(layers.Embedding(VOCABULARY_SIZE, EMBEDDING_SIZE))
model.add(layers.LSTM(LSTM_UNITS, activation="tanh"))
model.add(layers.Dense(num_topics, activation="softmax"))
model, x_train, x_test = vary(model, x_train, x_test, options)  # +
model.summary()  # +

# Compile it.
model.compile(loss="categorical_crossentropy", optimizer="adam", metrics=["accuracy"])

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

# Evaluate it on the test set.
test_loss, test_accuracy = model.evaluate(test_batches, verbose=0)
print(f"\nTest loss      {test_loss:.4f}\nTest accuracy  {test_accuracy:.4f}")
print(report(model.predict(test_batches, verbose=0), y_train, y_test, corpus.labels))  # +

# Plot the test loss in red and the training loss in blue, and save what the run gave.
run.finish(draw_curve(run.history, run.title))
