"""What the two scripts share: data, padding, shuffling, one-hot encoding, batches, the curve, the run around them."""
