"""What the two scripts share: data, padding, one-hot encoding, batches, the curve, and the run around them."""
